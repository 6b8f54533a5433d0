// What the composer can complete, as pure functions: a slash command, the grammar that the app
// states in its usage hint, people and channels.

/** The verbs of a usage hint such as "deploy SERVICE ENV [VERSION] | help, or nothing for a form": what
 *  follows a comma is said to a reader and is no slot. */
function grammar(usageHint = "") {
  return usageHint
    .split("|")
    .map((alternative) => /^([^,]*),?\s*(.*)$/s.exec(alternative.trim()))
    .map(([, form, note]) => ({ words: form.split(/\s+/).filter(Boolean), note }))
    .filter(({ words }) => words.length)
    .map(({ words: [verb, ...slots], note }) => ({ verb, slots, note }));
}

const slotName = (slot) => slot.replace(/[^A-Za-z]/g, "").toLowerCase();

/** Words that may stand in a slot, from what the world says it has. */
function wordsFor(slot, world) {
  const name = slotName(slot);
  if (/^(service|app)/.test(name)) return world?.services ?? [];
  if (/^env/.test(name)) return world?.environments ?? [];
  return [];
}

/**
 * Completions for the text before the caret: {from, items: [{insert, label, detail}], firm}.
 * `firm` says that Enter takes the first one (otherwise Enter sends, Tab completes).
 */
export function complete(before, { commands, users, channels, world }) {
  const mention = /(^|\s)([@#])([\p{L}\d._-]*)$/u.exec(before);
  if (mention) return completeMention(before, mention, users, channels);
  if (!before.startsWith("/") || before.includes("\n")) return none();
  const [typed, ...rest] = before.split(/\s+/);
  if (!rest.length) {
    const items = commands
      .filter(({ command }) => command.startsWith(typed))
      .map(({ command, description, usage_hint: hint }) => ({
        insert: `${command} `,
        label: command,
        detail: description,
        hint,
      }));
    return { from: 0, items, firm: items.length > 0 && items[0].label !== typed };
  }
  const command = commands.find((known) => known.command === typed);
  return command ? completeArguments(before, rest, grammar(command.usage_hint), world) : none();
}

const none = () => ({ from: 0, items: [], firm: false });

function completeMention(before, [whole, space, mark, typed], users, channels) {
  const wanted = typed.toLocaleLowerCase();
  const starts = (text) =>
    text
      ?.toLocaleLowerCase()
      .split(/[\s._-]+/)
      .some((word) => word.startsWith(wanted)) || text?.toLocaleLowerCase().startsWith(wanted);
  const items =
    mark === "@"
      ? users
          .filter((user) => starts(user.name) || starts(user.real_name))
          .map((user) => ({
            insert: `@${user.name} `,
            label: `@${user.name}`,
            detail: [user.real_name, user.title].filter(Boolean).join(", "),
          }))
      : channels
          .filter((channel) => channel.kind !== "im" && starts(channel.name))
          .map((channel) => ({
            insert: `#${channel.name} `,
            label: `#${channel.name}`,
            detail: channel.topic,
          }));
  return { from: before.length - whole.length + space.length, items: items.slice(0, 8), firm: true };
}

function completeArguments(before, words, forms, world) {
  const typed = words.at(-1);
  const from = before.length - typed.length;
  if (words.length === 1) {
    const items = forms
      .filter(({ verb }) => verb.startsWith(typed) && verb !== typed)
      .map(({ verb, slots, note }) => ({
        insert: `${verb} `,
        label: verb,
        detail: [...slots, note].filter(Boolean).join(" "),
      }));
    return { from, items: unique(items), firm: false };
  }
  const matching = forms.filter(({ verb }) => verb === words[0]);
  // Any slot that is still free may come next: the bot takes service and environment in either order.
  const used = new Set(words.slice(1, -1));
  const items = matching
    .flatMap(({ slots }) => slots.flatMap((slot) => wordsFor(slot, world).map((word) => ({ word, slot }))))
    .filter(({ word }) => word.startsWith(typed) && word !== typed && !used.has(word))
    .filter(({ slot }) => !wordsFor(slot, world).some((word) => used.has(word)))
    .map(({ word, slot }) => ({ insert: `${word} `, label: word, detail: slotName(slot) }));
  return { from, items: unique(items).slice(0, 8), firm: false };
}

function unique(items) {
  const seen = new Set();
  return items.filter(({ label }) => !seen.has(label) && seen.add(label));
}

/** The hint line for a command being typed: the forms that still fit. */
export function hintFor(text, commands) {
  const [typed, verb] = text.split(/\s+/);
  const command = commands.find((known) => known.command === typed);
  if (!command || !text.includes(" ")) return "";
  const forms = grammar(command.usage_hint).filter((form) => form.verb === verb);
  return forms.map((form) => [command.command, form.verb, ...form.slots].join(" ")).join("   ");
}
