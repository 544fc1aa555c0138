// Checks what a host in Node may do: collect garbage, close, abort and leave during calls, pass wrong things.
// PIXART_MODEL names a model. Run with --expose-gc.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { Denoiser, Encoder } from "./pixart.js";

const model = process.env.PIXART_MODEL;
const TWO = { seed: 7, num_inference_steps: 2 };
const MANY = { num_inference_steps: 900 };

const encoder = await Encoder.open(model);
const denoiser = await Denoiser.open(model);
const [prompt, negative] = [await encoder.encode("a cute cat"), await encoder.encode("")];

// The same file is the worker that is terminated, and the program that leaves.
if (!isMainThread || process.argv[2] === "leave") {
  const leave = isMainThread ? () => process.exit(0) : () => parentPort.postMessage("started");
  await denoiser.denoise(prompt, negative, isMainThread ? MANY : {}, { progress: leave });
}

const expected = (await denoiser.denoise(prompt, negative, TWO)).data;

test("shape and data", async () => {
  const latents = await denoiser.denoise(prompt, negative, TWO);
  assert.deepEqual(latents.shape, [1, 8, 16, 16]);
  assert.ok(latents.data instanceof Float32Array && latents.data.length === 8 * 16 * 16);
});

test("calls side by side while garbage is collected and the event loop turns", async () => {
  let turns = 0;
  let done = false;
  const turn = () => {
    turns += 1;
    globalThis.gc();
    if (!done) setImmediate(turn);
  };
  setImmediate(turn);
  const runs = Array.from({ length: 4 }, async () => {
    // Nothing but the call holds these.
    const latents = await (await Denoiser.open(model)).denoise(await encoder.encode("a cute cat"), negative, TWO, {
      progress: () => globalThis.gc(),
    });
    return latents.data;
  });
  for (const data of await Promise.all(runs)) assert.deepEqual(data, expected);
  done = true;
  assert.ok(turns > 1);
});

test("an object closed during a call lives to its end", async () => {
  const other = await Denoiser.open(model);
  const run = other.denoise(prompt, negative, TWO);
  other.close();
  other.close();
  assert.deepEqual((await run).data, expected);
  await assert.rejects(other.denoise(prompt, negative, TWO), { code: "ERR_INVALID_STATE" });
});

test("a signal ends a call with its reason", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const run = denoiser.denoise(prompt, negative, MANY, { signal, progress: () => controller.abort() });
  await assert.rejects(run, { name: "AbortError" });
  await assert.rejects(encoder.encode("a cat", {}, { signal }), { name: "AbortError" });
  const timeout = denoiser.denoise(prompt, negative, MANY, { signal: AbortSignal.timeout(50) });
  await assert.rejects(timeout, { name: "TimeoutError" });
});

test("what progress throws is passed on", async () => {
  const mine = new Error("mine");
  const progress = () => {
    throw mine;
  };
  await assert.rejects(denoiser.denoise(prompt, negative, MANY, { progress }), mine);
});

test("the last report comes before the result", async () => {
  let last;
  await denoiser.denoise(prompt, negative, TWO, { progress: (report) => (last = report) });
  assert.deepEqual(last, { step: 2, steps: 2, fraction: 1 });
});

test("each failure has its own message", async () => {
  const failures = Array.from({ length: 400 }, (_, i) =>
    assert.rejects(Encoder.open(`/nowhere/${i}`), (error) =>
      error.code === "PIXART_ERROR_FILE" && error.message.startsWith(`/nowhere/${i}:`)));
  await Promise.all(failures);
});

test("wrong things are refused", async () => {
  await assert.rejects(denoiser.denoise(prompt, negative, { stepz: 1 }), /stepz/);
  await assert.rejects(denoiser.denoise(prompt, null), { code: "PIXART_ERROR_ARGUMENT" });
  await assert.rejects(denoiser.denoise("a cat", negative), TypeError);
  await assert.rejects(denoiser.denoise(encoder, negative), TypeError);
  await assert.rejects(encoder.encode("a\0b"), /NUL/);
  await assert.rejects(encoder.encode(7), TypeError);
});

test("a program may leave during a call, and a worker may be terminated", async () => {
  execFileSync(process.execPath, [fileURLToPath(import.meta.url), "leave"]);
  const worker = new Worker(new URL(import.meta.url));
  await new Promise((resolve) => worker.once("message", resolve));
  assert.equal(await worker.terminate(), 1);
});
