/** Light or dark: what the system says, until the visitor chooses. */
import type { Theme } from "./map/colors";

const KEY = "whereshot-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function stored(): Theme | null {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : null;
  } catch {
    return null; // storage is switched off
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
    // the choice holds until the page is left
  }
  document.documentElement.dataset.theme = theme;
}

/** Tell of every change of the system's theme; returns how to stop it. */
export function onSystemTheme(onChange: () => void): () => void {
  dark.addEventListener("change", onChange);
  return () => dark.removeEventListener("change", onChange);
}
