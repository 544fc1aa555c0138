// The images of this session, and the view of one of them.

import { element } from "./controls.js";

const MOST = 200;
const by = (id) => document.getElementById(id);

export function makeGallery({ reuse, startFrom, labelOf }) {
  const list = by("gallery"), shown = by("shown");
  let current = null;

  function show(image) {
    current = image;
    by("shown-image").src = image.url;
    by("shown-image").alt = image.settings.prompt;
    by("shown-prompt").textContent = image.settings.prompt;
    const rows = Object.entries(image.settings).filter(([name]) => name !== "prompt" && name !== "n");
    by("shown-settings").replaceChildren(...rows.flatMap(([name, value]) => [
      element("dt", { textContent: labelOf(name) ?? name.replaceAll("_", " ") }),
      element("dd", { textContent: typeof value === "string" ? value : JSON.stringify(value) }),
    ]));
    Object.assign(by("shown-download"), { href: image.url, download: `pixart-${image.settings.seed}.png` });
    shown.showModal();
  }

  by("shown-close").addEventListener("click", () => shown.close());
  by("shown-reuse").addEventListener("click", () => { shown.close(); reuse(current.settings); });
  by("shown-start").addEventListener("click", () => { shown.close(); startFrom(current.blob); });
  shown.addEventListener("click", (event) => { if (event.target === shown) shown.close(); });

  return {
    add(image) {
      const button = element("button", { type: "button", title: image.settings.prompt },
        element("img", { src: image.url, alt: image.settings.prompt, loading: "lazy" }));
      button.addEventListener("click", () => show(image));
      list.prepend(element("li", {}, button));
      by("gallery-title").hidden = false;
      while (list.children.length > MOST) {
        URL.revokeObjectURL(list.lastElementChild.querySelector("img").src);
        list.lastElementChild.remove();
      }
    },
  };
}
