/** The theme, light or dark: that of the system, until the visitor chooses one. */
import type { Theme } from "./map/colors";

const KEY = "whereshot-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function stored(): Theme | null {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : null;
  } catch {
    return null; // storage is not available
  }
}

export function currentTheme(): Theme {
  return stored() ?? (dark.matches ? "dark" : "light");
}

export function applyTheme(): void {
  document.documentElement.dataset.theme = currentTheme();
}

export function chooseTheme(theme: Theme): void {
  try {
    if ((theme === "dark") === dark.matches) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // without storage, the choice is kept until the page is closed
  }
  document.documentElement.dataset.theme = theme;
}

/** Call a function at every change of the system's theme; return a function that stops this. */
export function onSystemTheme(onChange: () => void): () => void {
  dark.addEventListener("change", onChange);
  return () => dark.removeEventListener("change", onChange);
}
