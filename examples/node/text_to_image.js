// Text to image in Node.
//
//   make install PREFIX=$HOME/.local                    # in the root of the sources
//   export PKG_CONFIG_PATH=$HOME/.local/lib/pkgconfig LD_LIBRARY_PATH=$HOME/.local/lib
//   make                                                # here; takes a C compiler and Node's headers (libnode-dev)
//   node text_to_image.js MODEL PROMPT OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]
//
// Ctrl-C cancels.
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { Decoder, Denoiser, Encoder } from "./pixart.js";

const number = (value) => ({ type: "string", default: value });
let model, text, path, seed, steps, cancelAfter;
try {
  const options = { seed: number("7"), steps: number("20"), "cancel-after": number("Infinity") };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  [seed, steps, cancelAfter] = [values.seed, values.steps, values["cancel-after"]].map(Number);
  [model, text, path] = positionals;
  if (positionals.length !== 3 || [seed, steps, cancelAfter].some(Number.isNaN)) throw new Error("wrong arguments");
} catch {
  console.error("usage: text_to_image.js MODEL PROMPT OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]");
  process.exit(1);
}

const controller = new AbortController();
const { signal } = controller;
let asked;
let returned = null;
const cancel = () => {
  asked ??= performance.now();
  controller.abort();
};
process.once("SIGINT", cancel);

function progress({ step, steps, fraction }) {
  process.stderr.write(`\rstep ${step} of ${steps}, ${(100 * fraction).toFixed()}%`);
  if (fraction >= cancelAfter) cancel();
}

// Opens a stage for a function, so that one stage is in memory at a time.
async function using(Stage, use) {
  const stage = await Stage.open(model, {}, { signal });
  try {
    return await use(stage);
  } finally {
    stage.close();
  }
}

const start = performance.now();
try {
  const [prompt, negative] = await using(Encoder, async (encoder) => [
    await encoder.encode(text, {}, { signal }),
    await encoder.encode("", {}, { signal }),
  ]);
  const options = { seed, num_inference_steps: steps };
  const latents = await using(Denoiser, (denoiser) =>
    denoiser.denoise(prompt, negative, options, { signal, progress }));
  const images = await using(Decoder, (decoder) => decoder.decode(latents, {}, { signal }));
  await images.write(path);
} catch (error) {
  if (error !== signal.reason) {
    console.error(`${error.code}: ${error.message}`);
    process.exit(1);
  }
  returned = performance.now();
  process.exitCode = 2;
}
process.stderr.write("\n");
console.log(JSON.stringify({
  language: "Node",
  version: process.versions.node,
  seconds: (performance.now() - start) / 1000,
  cancelled: returned !== null,
  cancel_seconds: returned && (returned - asked) / 1000,
}));
