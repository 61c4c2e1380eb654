/** A small notice at the foot of the page while the model loads, read out by screen readers too. */
import "./loading.css";

export interface Loading {
  update(loaded: number, total: number): void;
  done(): void;
  fail(words: string): void;
}

export function showLoading(): Loading {
  const notice = document.createElement("div");
  notice.className = "model-loading";
  notice.setAttribute("role", "status");
  const words = document.createElement("span");
  const bar = document.createElement("progress");
  words.textContent = "Loading the model";
  bar.setAttribute("aria-label", "Loading the model");
  notice.append(words, bar);
  document.body.append(notice);
  return {
    update(loaded, total) {
      if (!bar.isConnected) return; // it has failed, and another file still comes
      bar.max = total;
      bar.value = loaded;
      words.textContent =
        loaded < total ? `Loading the model, once: ${(total / 1e6).toFixed(0)} MB` : "Starting the model";
    },
    done() {
      notice.remove();
    },
    fail(text) {
      bar.remove();
      notice.setAttribute("role", "alert");
      words.textContent = text;
    },
  };
}
