// libpixart in Node 18 and later, by the addon in addon.c.
//
//   const encoder = await Encoder.open("models/emoji");
//   const prompt = await encoder.encode("a cute cat");
//   encoder.close();
//   const latents = await denoiser.denoise(prompt, negative, { seed: 7 }, { signal, progress: ({ step }) => ... });
//
// Every call that takes long runs on libuv's pool and returns a promise. An AbortSignal ends it: the promise is
// rejected with the signal's reason. So does a progress function that throws. The code of other errors is the library's
// status, such as "PIXART_ERROR_FILE". Objects are freed by close(), or by the garbage collector. Abort calls before
// terminating a Worker that runs them: Node would wait for their ends.
import { createRequire } from "node:module";

const native = createRequire(import.meta.url)("./build/pixart.node");
const running = new Set();
process.on("exit", () => running.forEach((abort) => abort())); // Node waits for its pool before it ends

class Handle {
  #external;

  constructor(external) {
    this.#external = external;
  }

  /** Frees the object, now or when the calls that use it have ended. */
  close() {
    native.close(this.#external);
  }

  [Symbol.dispose ?? Symbol.for("dispose")]() {
    this.close();
  }

  /** The addon's object of an argument that must be of a class. */
  static external(value, Class) {
    if (!(value instanceof Class)) throw new TypeError(`expected a ${Class.name}, found ${typeof value}`);
    return value.#external;
  }
}

function text(value) {
  if (typeof value !== "string") throw new TypeError(`expected text, found ${typeof value}`);
  if (value.includes("\0")) throw new TypeError("text contains a NUL"); // where C would cut it
  return value;
}

/** Makes a call. `progress` is called with {step, steps, fraction}; of reports that come too fast, with the last. */
async function call(verb, objects, texts, { signal, progress, index = 0 } = {}) {
  signal?.throwIfAborted();
  const cancel = new Int32Array(new ArrayBuffer(4)); // C reads it while the call runs
  const abort = () => Atomics.store(cancel, 0, 1);
  let failure;
  const report = progress && ((step, steps, fraction) => {
    try {
      if (!failure) progress({ step, steps, fraction });
    } catch (error) {
      failure = { error };
      abort();
    }
  });
  running.add(abort);
  signal?.addEventListener("abort", abort);
  try {
    const made = await native[verb](objects, texts, index, cancel, report);
    if (failure) native.close(made);
    else return made;
  } catch (error) {
    if (!failure) throw error.code === "PIXART_CANCELLED" && signal?.aborted ? signal.reason : error;
  } finally {
    running.delete(abort);
    signal?.removeEventListener("abort", abort);
  }
  throw failure.error;
}

/** An immutable array of the library: an embedding, latents or images. */
export class Tensor extends Handle {
  get shape() {
    return native.read(Handle.external(this, Tensor))[1];
  }

  /** A copy of the elements: a Float32Array, or a Uint8Array of pixels. */
  get data() {
    const [type, , data] = native.read(Handle.external(this, Tensor));
    return type === 1 ? new Float32Array(data) : new Uint8Array(data);
  }

  /** Writes one image of a batch as a PNG file. */
  async write(path, { index = 0, ...options } = {}) {
    await call("image_write", [Handle.external(this, Tensor)], [text(path), JSON.stringify(options)], { index });
  }
}

export class Encoder extends Handle {
  static async open(model, options = {}, control) {
    return new Encoder(await call("encoder_open", [], [text(model), JSON.stringify(options)], control));
  }

  /** Returns the embedding of a text. */
  async encode(prompt, options = {}, control) {
    const texts = [text(prompt), JSON.stringify(options)];
    return new Tensor(await call("encode", [Handle.external(this, Encoder)], texts, control));
  }
}

export class Denoiser extends Handle {
  static async open(model, options = {}, control) {
    return new Denoiser(await call("denoiser_open", [], [text(model), JSON.stringify(options)], control));
  }

  /** Returns the latents of a run. `negative` may be null if there is no guidance. */
  async denoise(prompt, negative, options = {}, control) {
    const embeddings = [prompt, ...(negative == null ? [] : [negative])].map((each) => Handle.external(each, Tensor));
    const objects = [Handle.external(this, Denoiser), ...embeddings];
    return new Tensor(await call("denoise", objects, [JSON.stringify(options)], control));
  }
}

export class Decoder extends Handle {
  static async open(model, options = {}, control) {
    return new Decoder(await call("decoder_open", [], [text(model), JSON.stringify(options)], control));
  }

  /** Returns images, bytes of shape [count, height, width, 3]. */
  async decode(latents, options = {}, control) {
    const objects = [Handle.external(this, Decoder), Handle.external(latents, Tensor)];
    return new Tensor(await call("decode", objects, [JSON.stringify(options)], control));
  }
}
