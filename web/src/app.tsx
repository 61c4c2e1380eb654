/** The whole page: header, panel and globe. The panel shows the locator or the gallery. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Gallery } from "./gallery/gallery";
import { Locate } from "./locate";
import type { Locator, PageInfo } from "./locator";
import type { Globe } from "./map/globe";
import { MAP_COLORS, type Theme } from "./map/colors";
import { About } from "./parts/about";
import { MoonIcon, SunIcon } from "./parts/icons";
import { Legend } from "./parts/legend";
import { TokenForm } from "./parts/token";
import { storedToken } from "./server";
import { chooseTheme, currentTheme, onSystemTheme } from "./theme";

const MODES = { locate: "Locate", gallery: "Gallery", game: "Guess" } as const;
type Mode = keyof typeof MODES;

export function App({ locator, info }: { locator: Locator; info: PageInfo }) {
  const [mode, setMode] = useState<Mode>("locate");
  const [theme, setTheme] = useState<Theme>(currentTheme());
  const [about, setAbout] = useState(false);
  const [globe, setGlobe] = useState<Globe | null>(null);
  const [mapless, setMapless] = useState("");
  const [token, setToken] = useState<"fine" | "wanted" | "refused">(
    info.needs_token && !storedToken() ? "wanted" : "fine",
  );
  const element = useRef<HTMLDivElement>(null);

  useEffect(() => {
    let made: Globe | null = null;
    let gone = false;
    // the map is most of the page's code; the words are shown before it is loaded
    import("./map/globe")
      .then(async ({ Globe, prepareWorker }) => {
        await prepareWorker();
        if (!gone) setGlobe((made = new Globe(element.current!, currentTheme(), info.tiles)));
      })
      .catch((error: unknown) => {
        console.warn("no map:", error);
        setMapless("This browser cannot draw the globe (it has no WebGL). The answers in words are complete without it.");
      });
    return () => {
      gone = true;
      made?.remove();
    };
  }, [info.tiles]);
  useEffect(() => onSystemTheme(() => setTheme(currentTheme())), []);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    globe?.theme(theme);
  }, [theme, globe]);

  const refused = () => setToken("refused");
  const other: Theme = theme === "dark" ? "light" : "dark";
  return (
    <div class="page">
      <header class="head">
        <span class="brand">
          <img src="icon.svg" alt="" width="28" height="28" />
          <span>whereshot</span>
        </span>
        {info.gallery && (
          <nav class="modes" aria-label="Modes">
            {(Object.keys(MODES) as Mode[]).map((name) => (
              <button key={name} aria-current={mode === name ? "page" : undefined} onClick={() => setMode(name)}>
                {MODES[name]}
              </button>
            ))}
          </nav>
        )}
        <button
          class="button button-icon"
          aria-label={`Switch to ${other}`}
          onClick={() => {
            chooseTheme(other);
            setTheme(other);
          }}
        >
          {theme === "dark" ? <SunIcon /> : <MoonIcon />}
        </button>
        <button class="link" onClick={() => setAbout(true)}>
          About
        </button>
      </header>
      <main class="panel">
        {token !== "fine" ? (
          <TokenForm refused={token === "refused"} onToken={() => setToken("fine")} />
        ) : (
          <>
            <div class="mode" hidden={mode !== "locate"}>
              <Locate
                locator={locator}
                info={info}
                globe={globe}
                active={mode === "locate"}
                onActive={() => setMode("locate")}
                onRefused={refused}
              />
            </div>
            {mode !== "locate" && <Gallery key={mode} globe={globe} game={mode === "game"} onRefused={refused} />}
          </>
        )}
        <footer class="foot">
          {info.runs_here ? "Runs on your machine; no photo leaves it." : "Photos are not kept."} An estimate is
          not a proof, and not a way to find a person: <a href="responsible-use.html">responsible use</a>.
        </footer>
      </main>
      <section class="world" aria-label="Map">
        <div class="globe" ref={element} />
        {mapless ? <p class="mapless">{mapless}</p> : <Legend ramp={MAP_COLORS[theme].ramp} />}
      </section>
      <About info={info} open={about} onClose={() => setAbout(false)} />
    </div>
  );
}
