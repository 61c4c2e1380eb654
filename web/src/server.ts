/** A server of `whereshot serve` as a Locator: one POST per question, problems (RFC 9457) as words. */
import { LocateError, type Answer, type LocateOptions, type Locator, type PageInfo } from "./locator";

export class ServerLocator implements Locator {
  async page(): Promise<PageInfo> {
    return (await ask("v1/page")) as PageInfo;
  }

  async locate(files: File[], options: LocateOptions = {}): Promise<Answer> {
    const form = new FormData();
    for (const file of files) form.append("photos", file, file.name);
    const { signal, ...fields } = options;
    for (const [name, value] of Object.entries(fields)) if (value !== undefined && value !== "") form.append(name, String(value));
    return (await ask("v1/locate", { method: "POST", body: form, signal: signal ?? null })) as Answer;
  }
}

/** A JSON document of the server. Rejects with a LocateError that says what the server's problem document says. */
export async function ask(path: string, request: RequestInit = {}): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, { ...request, headers: { Accept: "application/json" } });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new LocateError("The server does not answer. Is `whereshot serve` still running?");
  }
  const document: unknown = await response.json().catch(() => null);
  if (response.ok && document !== null) return document;
  throw new LocateError(problemWords(response.status, document, response.headers.get("Retry-After")));
}

/** An RFC 9457 problem document in words. */
export function problemWords(status: number, document: unknown, retryAfter: string | null): string {
  const { title, detail } = (document ?? {}) as { title?: string; detail?: string };
  if (status === 429 || status === 503) {
    const wait = Number(retryAfter) > 0 ? `in ${retryAfter} seconds` : "in a moment";
    return `The server has more photos than it can take just now. Try again ${wait}.`;
  }
  if (status === 401 || status === 403) return "The server asks for a token that this page does not have.";
  const text = detail ?? title;
  if (text) return /[.!?]$/.test(text) ? text : `${text}.`;
  return status === 413 ? "That is more than the server takes at once." : `The server answered ${status} without a reason.`;
}
