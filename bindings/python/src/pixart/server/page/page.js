// The page: sends a request, shows its events, and keeps its images.

import { element, makeControls } from "./controls.js";
import { makeGallery } from "./gallery.js";

const PREVIEWS = 12;
const NARROW = matchMedia("(max-width: 52rem)");
const by = (id) => document.getElementById(id);
let controls, schema, running = null, startImage = null, lastPreview = null;

const gallery = makeGallery({ reuse, startFrom, labelOf: (name) => controls.label(name) });

function reuse(settings) {
  controls.set(settings);
  by("prompt").value = settings.prompt;
  by("negative_prompt").value = settings.negative_prompt ?? "";
  by("prompt").focus();
}

function startFrom(blob) {
  if (startImage) URL.revokeObjectURL(startImage.url);
  startImage = blob && { blob, url: URL.createObjectURL(blob) };
  by("start").hidden = !blob;
  if (blob) by("start-image").src = startImage.url;
}

// The server reads PNG files. The browser reads more, and makes them PNG.
async function readFile(file) {
  try {
    const bitmap = await createImageBitmap(file);
    const canvas = element("canvas", { width: bitmap.width, height: bitmap.height });
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    canvas.toBlob(startFrom, "image/png");
  } catch {
    fail({ message: `${file.name} is not an image that this browser can read` });
  }
}

function fail(error) {
  by("error").textContent = error.message;
  by("error").hidden = false;
  const row = error.param && (controls?.row(error.param) ?? by(error.param));
  row?.classList.add("wrong");
  by("error").scrollIntoView({ block: "nearest" });
}

function clearErrors() {
  by("error").hidden = true;
  for (const each of document.querySelectorAll(".wrong")) each.classList.remove("wrong");
}

function blobOf(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type: "image/png" });
}

function view(url, text, isPreview) {
  Object.assign(by("view"), { src: url, alt: text, hidden: false });
  by("view").classList.toggle("preview", isPreview);
  by("hint").hidden = true;
}

function clearStrip() {
  for (const image of by("strip").querySelectorAll("img")) URL.revokeObjectURL(image.src);
  by("strip").replaceChildren();
  by("strip").hidden = true;
}

function showPreview(event) {
  const url = URL.createObjectURL(blobOf(event.b64_json));
  by("strip").append(element("li", {}, element("img", { src: url, alt: `preview ${event.partial_image_index + 1}` })));
  by("strip").hidden = false;
  by("strip").scrollLeft = by("strip").scrollWidth;
  view(url, "preview of the image in the making", true);
  lastPreview = url;
}

function showImage(event, settings) {
  const blob = blobOf(event.b64_json), url = URL.createObjectURL(blob);
  const made = { ...settings };
  delete made.seed; // it comes last, and is that of this image
  made.seed = event.seed;
  view(url, settings.prompt, false);
  gallery.add({ url, blob, settings: made });
}

function showProgress({ ahead, image, step, steps, fraction }, count) {
  by("bar").value = fraction;
  const many = count > 1 ? `image ${image + 1} of ${count}, ` : "";
  if (ahead) by("step").textContent = `waiting for ${ahead} other ${ahead === 1 ? "request" : "requests"}`;
  else if (!steps) by("step").textContent = "reading the prompt";
  else by("step").textContent = `${many}step ${step} of ${steps}, ${Math.round(100 * fraction)}%`;
}

async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (text + value).split("\n\n");
    text = parts.pop();
    for (const part of parts) {
      const data = part.split("\n").find((line) => line.startsWith("data: "));
      if (data) yield JSON.parse(data.slice(6));
    }
  }
}

function send(settings, signal) {
  const steps = settings.num_inference_steps ?? 20;
  const fields = { ...settings, stream: true, progress: true, partial_images: Math.max(0, Math.min(PREVIEWS, steps - 1)) };
  if (!startImage) {
    const headers = { "Content-Type": "application/json" };
    return fetch("/v1/images/generations", { method: "POST", headers, body: JSON.stringify(fields), signal });
  }
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, typeof value === "string" ? value : JSON.stringify(value));
  body.append("image", startImage.blob, "image.png");
  return fetch("/v1/images/edits", { method: "POST", body, signal });
}

async function generate() {
  clearErrors();
  clearStrip();
  const settings = { prompt: by("prompt").value, ...controls.values() };
  if (by("negative_prompt").value) settings.negative_prompt = by("negative_prompt").value;
  if (startImage) settings.strength = controls.strength;
  running = new AbortController();
  setRunning(true);
  if (NARROW.matches) by("work").scrollIntoView();
  showProgress({ ahead: 0, steps: 0, fraction: 0 }, 1);
  try {
    const response = await send(settings, running.signal);
    if (!response.ok) throw (await response.json()).error;
    for await (const event of eventsOf(response)) {
      if (event.type === "error") throw event.error;
      if (event.type.endsWith(".progress")) showProgress(event, settings.n);
      if (event.type.endsWith(".partial_image")) showPreview(event);
      if (event.type.endsWith(".completed")) showImage(event, settings);
    }
  } catch (error) {
    if (error.name !== "AbortError") fail(error instanceof TypeError ? { message: "The server does not answer." } : error);
    else if (by("view").src === lastPreview) Object.assign(by("view"), { hidden: true }), by("hint").hidden = false;
  } finally {
    running = null;
    setRunning(false);
  }
}

function setRunning(isRunning) {
  by("generate").disabled = isRunning;
  by("cancel").hidden = by("run").hidden = !isRunning;
  document.body.classList.toggle("running", isRunning);
}

async function start() {
  const response = await fetch("/v1/schema");
  if (!response.ok) throw (await response.json()).error;
  schema = await response.json();
  by("model").textContent = schema.model;
  by("prompt").maxLength = by("negative_prompt").maxLength = schema.max_prompt;
  controls = makeControls(schema, by("main-controls"), by("more-controls"), by("start-strength"));
  by("form").addEventListener("submit", (event) => { event.preventDefault(); if (!running) generate(); });
  by("cancel").addEventListener("click", () => running?.abort());
  by("start-remove").addEventListener("click", () => startFrom(null));
  by("start-file").addEventListener("change", ({ target }) => { if (target.files[0]) readFile(target.files[0]); });
  by("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) by("form").requestSubmit();
  });
  document.body.dataset.ready = "true";
}

start().catch((error) => fail({ message: error.message ?? "The server does not answer." }));
