// Controls for the options of a run, made from the server's schema.

// The options that are always shown, in this order, with a range that is comfortable on a slider. The field beside a
// slider takes the whole range of the schema.
const MAIN = {
  num_inference_steps: { label: "Steps", most: 50 },
  guidance_scale: { label: "Guidance", most: 12, step: 0.1 },
  width: { label: "Width" },
  height: { label: "Height" },
  scheduler: { label: "Scheduler" },
  preset: { label: "Preset", none: "None" },
};
const MORE = { pag_scale: { most: 10 }, pag_adaptive_scale: { most: 1 }, cache: { none: "None" } };
const HIDDEN = ["seed", "strength", "height", "width", "adapter_scales", "controlnet_conditioning_scale",
  "control_guidance_start", "control_guidance_end"];
const FIRST_SENTENCE = /^.*?[.:](?=\s|$)/s;

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const words = (name) => (name[0].toUpperCase() + name.slice(1)).replaceAll("_", " ");
const types = (property) => [property.type].flat();

// A slider and a field of the same number. `value` is null if it is that of the schema.
function number(name, property, { label, most, step }) {
  const isWhole = types(property).includes("integer");
  const by = step ?? property.multipleOf ?? (isWhole ? 1 : 0.05);
  const least = property.minimum ?? 0;
  const range = { min: least, step: by };
  const slider = element("input", { type: "range", ...range, max: Math.min(most ?? Infinity, property.maximum) });
  const field = element("input", { type: "number", ...range, max: property.maximum, id: name, step: isWhole ? by : "any" });
  const set = (value) => { slider.value = field.value = value; paint(); };
  const paint = () => slider.style.setProperty("--share",
    `${100 * Math.min(1, (slider.value - slider.min) / (slider.max - slider.min || 1))}%`);
  slider.setAttribute("aria-label", label);
  slider.addEventListener("input", () => { field.value = slider.value; paint(); });
  field.addEventListener("input", () => { slider.value = field.value; paint(); });
  set(property.default ?? least);
  return {
    row: element("div", { className: "row" }, labelOf(name, label, property), field, slider),
    get value() { return field.value === "" ? null : Number(field.value); },
    set value(given) { set(given ?? property.default ?? least); },
  };
}

// A list of choices. Each has a value of JSON and a text.
function select(name, property, { label }, choices) {
  const list = element("select", { id: name });
  for (const [value, text] of choices) list.append(element("option", { value: JSON.stringify(value), textContent: text }));
  const set = (value) => {
    const wanted = JSON.stringify(value ?? null);
    if ([...list.options].some((option) => option.value === wanted)) list.value = wanted;
  };
  set(property.default);
  return {
    row: element("div", { className: "row wide" }, labelOf(name, label, property), list),
    get value() { return JSON.parse(list.value); },
    set value(given) { set(given ?? property.default); },
  };
}

function labelOf(name, label, property) {
  const help = FIRST_SENTENCE.exec(property.description ?? "")?.[0] ?? "";
  return element("label", { htmlFor: name, textContent: label, title: help });
}

function control(name, property, hints, names) {
  const enumeration = property.enum ?? property.oneOf?.find((each) => each.enum)?.enum;
  if (enumeration) {
    const choices = enumeration.filter((value) => value !== null).map((value) => [value, names[value] ?? value]);
    const hasNone = types(property).includes("null") || property.oneOf?.some((each) => each.type === "null")
      || property.default === null;
    return select(name, property, hints, hasNone ? [[null, hints.none ?? "The model's own"], ...choices] : choices);
  }
  if (types(property).includes("boolean")) {
    const choices = [[true, "Yes"], [false, "No"]];
    return select(name, property, hints, types(property).includes("null") ? [[null, "The model's own"], ...choices] : choices);
  }
  if (property.maximum !== undefined && (types(property).includes("number") || types(property).includes("integer"))) {
    return number(name, property, hints);
  }
  return null;
}

// Seeds: an empty field is a seed of the server's choice.
function seed() {
  const field = element("input", { type: "number", id: "seed", min: 0, step: 1, placeholder: "random" });
  const clear = element("button", { type: "button", className: "quiet", textContent: "Random" });
  clear.addEventListener("click", () => { field.value = ""; });
  return {
    row: element("div", { className: "row seed" }, element("label", { htmlFor: "seed", textContent: "Seed" }), field, clear),
    get value() { return field.value === "" ? null : Number(field.value); },
    set value(given) { field.value = given ?? ""; },
  };
}

// All controls by the names of their fields in a request.
export function makeControls(schema, main, more, strengthPlace) {
  const controls = {}, { properties } = schema;
  const add = (place, name, made) => {
    if (made) { controls[name] = made; place.append(made.row); }
  };
  const names = { ...schema.scheduler_names, half: "every second step", third: "every fourth step" };
  for (const [name, hints] of Object.entries(MAIN)) {
    if (properties[name]) add(main, name, control(name, properties[name], hints, names));
  }
  add(main, "n", number("n", { type: "integer", minimum: 1, maximum: schema.max_images, default: 1 }, { label: "Images" }));
  add(main, "seed", seed());
  for (const [name, property] of Object.entries(properties)) {
    if (MAIN[name] || HIDDEN.includes(name)) continue;
    add(more, name, control(name, property, { label: words(name), ...MORE[name] }, names));
  }
  const strength = { ...properties.strength, default: 0.6 };
  add(strengthPlace, "strength", number("strength", strength, { label: "Strength" }));
  const defaults = Object.fromEntries(Object.entries(controls).map(([name, made]) => [name, made.value]));
  return {
    // What differs from the defaults of the server, and always the size and the steps.
    values() {
      const always = ["width", "height", "num_inference_steps", "guidance_scale", "n"];
      return Object.fromEntries(Object.entries(controls)
        .filter(([name]) => name !== "strength")
        .map(([name, made]) => [name, made.value])
        .filter(([name, value]) => value !== null && (always.includes(name) || value !== defaults[name])));
    },
    get strength() { return controls.strength.value; },
    set(values) {
      for (const [name, made] of Object.entries(controls)) made.value = values[name] ?? null;
    },
    row: (name) => controls[name]?.row,
    label: (name) => controls[name]?.row.querySelector("label").textContent,
  };
}
