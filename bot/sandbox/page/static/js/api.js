// The doors to the sandbox: /client (the workspace) and /world (the cluster), JSON both ways.

export const UNREACHABLE = "The sandbox does not answer. Is it still running?";

class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function get(path, params = {}) {
  const query = new URLSearchParams(
    Object.entries(params).filter(([, value]) => value !== undefined && value !== null),
  );
  return request(`${path}${query.size ? `?${query}` : ""}`, {});
}

export function post(path, body) {
  return request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ApiError(0, "unreachable", UNREACHABLE);
  }
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  throw new ApiError(
    response.status,
    answer?.error ?? "http_error",
    answer?.message ?? `The sandbox answered ${response.status} to ${path}.`,
  );
}
