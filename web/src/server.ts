/** A server of `whereshot serve` as a Locator: one POST per question, problems (RFC 9457) as words. */
import { LocateError, type Answer, type LocateOptions, type Locator, type PageInfo } from "./locator";

const TOKEN = "whereshot-token";

/** The server wants a token, or another one. */
export class TokenError extends LocateError {}

export class ServerLocator implements Locator {
  async page(): Promise<PageInfo> {
    return (await ask("v1/page")) as PageInfo;
  }

  async locate(files: File[], options: LocateOptions = {}): Promise<Answer> {
    const form = new FormData();
    for (const file of files) form.append("photos", file, file.name);
    const { signal, ...fields } = options;
    for (const [name, value] of Object.entries(fields))
      if (value !== undefined && value !== "") form.append(name, String(value));
    return (await ask("v1/locate", { method: "POST", body: form, signal: signal ?? null })) as Answer;
  }
}

/** The token that the visitor gave, for as long as this tab lives. */
export function storedToken(): string | null {
  return sessionStorage.getItem(TOKEN);
}

export function storeToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
}

/** A JSON document of the server. Rejects with a LocateError that says what the server's problem document says. */
export async function ask(path: string, request: RequestInit = {}): Promise<unknown> {
  const response = await send(path, request);
  const document: unknown = await response.json().catch(() => null);
  if (document === null) throw new LocateError("The server's answer broke off. Try again.");
  return document;
}

/** The server's good response. Rejects with a LocateError otherwise. */
export async function send(path: string, request: RequestInit = {}): Promise<Response> {
  const token = storedToken();
  const headers = { Accept: "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  let response: Response;
  try {
    response = await fetch(path, { ...request, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new LocateError("The server does not answer. Is whereshot serve still running?");
  }
  if (response.ok) return response;
  if (response.status === 401) {
    sessionStorage.removeItem(TOKEN);
    throw new TokenError("The server does not know this token.");
  }
  const document: unknown = await response.json().catch(() => null);
  throw new LocateError(problemWords(response.status, document, response.headers.get("Retry-After")));
}

interface Problem {
  title?: string;
  detail?: string;
  errors?: { id: string; detail: string }[];
}

/** An RFC 9457 problem document in words. */
export function problemWords(status: number, document: unknown, retryAfter: string | null): string {
  const { title, detail, errors } = (document ?? {}) as Problem;
  if (status === 429 || status === 503) {
    const wait = Number(retryAfter) > 0 ? `in ${retryAfter} seconds` : "in a moment";
    return `The server has more photos than it can take just now. Try again ${wait}.`;
  }
  if (errors?.length)
    return errors.map(({ id, detail: why }) => stopped(why.startsWith(id) ? why : `${id}: ${why}`)).join(" ");
  const text = detail ?? title;
  if (text) return sentence(text);
  return status === 413
    ? "That is more than the server takes at once."
    : `The server answered ${status} without a reason.`;
}

const sentence = (text: string): string => stopped(text.charAt(0).toUpperCase() + text.slice(1));
const stopped = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
