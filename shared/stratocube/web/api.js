// The REST API as the pages meet it: where it is, the key, and refusals in words.

// Pages lie at the root of the API, whatever stage or base path is in front of it.
const ROOT = new URL(".", location.href);
const KEY = "stratocube-api-key";

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }

  get isKeyMissing() {
    return this.status === 401 || this.status === 403;
  }
}

export function apiKey() {
  return sessionStorage.getItem(KEY) ?? "";
}

export function setApiKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

export function address(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  return url;
}

/** The JSON of a reply, or an ApiError that says what to do. `path` is below the root, or a link of a reply. */
export async function call(path, { method = "GET", query, body, signal } = {}) {
  return (await callWhole(path, { method, query, body, signal })).body;
}

/** The same with the address of the next page, if there is one. */
export async function callWhole(path, { method = "GET", query, body, signal } = {}) {
  const url = address(path, query);
  // The key is for this API: a link that leads elsewhere does not get it.
  if (url.origin !== ROOT.origin) throw new ApiError(`The API named an address that is not its own: ${url.origin}`, 0);
  const headers = { Accept: "application/json, application/geo+json" };
  if (apiKey()) headers["x-api-key"] = apiKey();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(url, {
      method,
      headers,
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The API does not answer. Look at the connection, then try again.", 0);
  }
  const text = await response.text();
  let found = {};
  try {
    found = text ? JSON.parse(text) : {};
  } catch {
    if (response.ok) throw new ApiError("The API answered with something that is no JSON.", response.status);
  }
  if (response.ok) return { body: found, next: nextOf(response, found) };
  throw new ApiError(reason(response.status, found), response.status);
}

function nextOf(response, body) {
  const header = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "");
  if (header) return header[1];
  const links = Array.isArray(body?.links) ? body.links : [];
  return links.find((link) => link.rel === "next" && (link.method ?? "GET") === "GET")?.href ?? null;
}

function reason(status, body) {
  if (status === 401 || status === 403) {
    return apiKey() ? "The API does not know this key." : "The API wants a key.";
  }
  if (status === 429) return "Too many requests, or the quota of this key is used up. Wait a moment, then try again.";
  const said = body.detail ?? body.description ?? body.message;
  return said ? sentence(String(said)) : `The API answered with an error (${status}).`;
}

function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
