/** The start of the page: choose the locator by site.json, then show the page. */
import "@fontsource-variable/inter/wght.css";
import { render } from "preact";
import { App } from "./app";
import type { Locator, PageInfo } from "./locator";
import { applyTheme } from "./theme";
import { ServerLocator } from "./server";
import "./styles/page.css";
import "./styles/answer.css";
import "./styles/map.css";

async function chooseLocator(): Promise<Locator> {
  const site = (await fetch("site.json").then((response) => response.json())) as { mode: string };
  if (site.mode !== "browser") return new ServerLocator();
  // a page from the server never loads the code that runs a model in the browser
  return (await import("./local/index")).createLocator();
}

async function begin(): Promise<void> {
  applyTheme();
  const root = document.getElementById("page")!;
  try {
    const locator = await chooseLocator();
    const info: PageInfo = await locator.page();
    render(<App locator={locator} info={info} />, root);
  } catch (error) {
    render(
      <div class="broken" role="alert">
        <h1>whereshot</h1>
        <p>{error instanceof Error ? error.message : String(error)}</p>
        <button class="button" onClick={() => location.reload()}>
          Try again
        </button>
      </div>,
      root,
    );
  }
}

void begin();
