/** Asks the visitor for the token of the server. */
import { useState } from "preact/hooks";
import { storeToken } from "../server";

export function TokenForm({ refused, onToken }: { refused: boolean; onToken(): void }) {
  const [token, setToken] = useState("");
  const give = (event: Event) => {
    event.preventDefault();
    if (!token.trim()) return;
    storeToken(token.trim());
    onToken();
  };
  return (
    <form class="token" onSubmit={give}>
      <h1>This server asks for a token</h1>
      {refused && (
        <p class="notice notice-error" role="alert">
          The server does not know that token.
        </p>
      )}
      <label class="field">
        <span>Token that the owner of the server gave you</span>
        <input
          type="password"
          autocomplete="off"
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
      </label>
      <button class="button button-main">Continue</button>
    </form>
  );
}
