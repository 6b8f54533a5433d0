// Times as people read them: in the reader's own time zone and language.

const DAY = 86_400_000;
const at = (ts) => new Date(Number(ts) * 1000);

export const clock = (ts, locale) =>
  at(ts).toLocaleTimeString(locale, { timeStyle: "short" });

export const exact = (ts, locale) =>
  at(ts).toLocaleString(locale, { dateStyle: "full", timeStyle: "medium" });

/** A key that is equal for all times of one day. */
export const dayOf = (ts) => at(ts).toDateString();

export function dayName(ts, locale, now = Date.now()) {
  const days = Math.round((startOfDay(now) - startOfDay(at(ts))) / DAY);
  if (days === 0 || days === 1) {
    const word = new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(-days, "day");
    return word[0].toLocaleUpperCase(locale) + word.slice(1);
  }
  return at(ts).toLocaleDateString(locale, { weekday: "long", day: "numeric", month: "long" });
}

function startOfDay(time) {
  const date = new Date(time);
  date.setHours(0, 0, 0, 0);
  return date.getTime();
}

export function ago(ts, locale, now = Date.now()) {
  const seconds = Math.max(0, now / 1000 - Number(ts));
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "long" });
  if (seconds < 60) return format.format(0, "minute").replace("this minute", "just now");
  if (seconds < 3600) return format.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) return format.format(-Math.floor(seconds / 3600), "hour");
  return format.format(-Math.floor(seconds / 86_400), "day");
}

const DATE_PARTS = {
  date_num: (date) => date.toISOString().slice(0, 10),
  date: (date, locale) => date.toLocaleDateString(locale, { dateStyle: "long" }),
  date_short: (date, locale) => date.toLocaleDateString(locale, { dateStyle: "medium" }),
  date_long: (date, locale) => date.toLocaleDateString(locale, { dateStyle: "full" }),
  time: (date, locale) => date.toLocaleTimeString(locale, { timeStyle: "short" }),
  time_secs: (date, locale) => date.toLocaleTimeString(locale, { timeStyle: "medium" }),
  ago: (date, locale) => ago(date.getTime() / 1000, locale),
};

/** Slack's `<!date^…^{date_short} at {time}>`: the format with its tokens filled in. */
export function formatDate(seconds, format, locale) {
  const date = new Date(seconds * 1000);
  return format.replace(/\{([a-z_]+)\}/g, (token, name) => {
    const part = DATE_PARTS[name.replace("_pretty", "")];
    return part ? part(date, locale) : token;
  });
}
