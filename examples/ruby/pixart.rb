# frozen_string_literal: true

# libpixart in Ruby, through fiddle of the standard library. Ruby 3.1 and later.
#
#   Pixart::Encoder.open("models/emoji") { |encoder| encoder.encode("a cute cat") }
#   latents = denoiser.denoise(prompt, negative, seed: 7) { |step, steps, fraction| break if fraction > 0.5 }
#
# Options are keywords. A block of a long call sees its progress. Leaving the block (break, raise, throw, Timeout,
# Ctrl-C) cancels the call, and is carried on once the call has returned.
require "fiddle/import"
require "json"

module Pixart
  # The functions of pixart.h that the classes below use.
  module C
    extend Fiddle::Importer
    dlload "libpixart.so.1"
    typealias "status", "int"
    typealias "text", "const char *"
    extern "const char *pixart_version(void)"
    extern "const char *pixart_status_name(status)"
    extern "const char *pixart_error_message(void)"
    %w[encoder denoiser decoder].each { |stage| extern "status pixart_#{stage}_open(text, text, void *, void *, void *)" }
    extern "status pixart_encode(void *, text, text, void *, void *, void *)"
    extern "status pixart_denoise(void *, void *, void *, text, void *, void *, void *)"
    extern "status pixart_decode(void *, void *, text, void *, void *, void *)"
    extern "status pixart_image_write(void *, size_t, text, text)"
    extern "size_t pixart_tensor_rank(void *)"
    extern "void *pixart_tensor_shape(void *)"
    extern "void *pixart_tensor_data(void *)"
    extern "size_t pixart_tensor_size(void *)"

    RELEASES = %w[encoder denoiser decoder tensor].to_h do |type|
      [type, import_function("pixart_#{type}_release", Fiddle::TYPE_VOID, [Fiddle::TYPE_VOIDP])]
    end.freeze

    # A callback's context, step, steps and fraction.
    PROGRESS = [Fiddle::TYPE_VOIDP, Fiddle::TYPE_LONG_LONG, Fiddle::TYPE_LONG_LONG, Fiddle::TYPE_DOUBLE].freeze

    # Returns text for C, which would take anything as an address and cut text at a NUL.
    def self.text(value)
      text = String.try_convert(value) or raise TypeError, "expected text, found #{value.class}"
      raise ArgumentError, "text contains a NUL" if text.include?("\0")

      text
    end

    def self.options(options) = text(JSON.generate(options))

    # Calls a function. The message of a failure belongs to the thread, so it is read right here.
    def self.call(name, *arguments)
      status = public_send(name, *arguments)
      Error.new(status, pixart_error_message.to_s.force_encoding(Encoding::UTF_8)) unless status.zero?
    end
  end

  VERSION = C.pixart_version.to_s

  # A call that failed.
  class Error < StandardError
    attr_reader :status

    def initialize(status, message)
      @status = status
      super(message)
    end

    # The name of the status, such as "PIXART_ERROR_FILE".
    def name = C.pixart_status_name(status).to_s
  end

  # Owns one object of the library. close frees it at once, or when the calls that use it have returned.
  class Handle
    # Like File.open: with a block, the object is closed at its end. A block of new sees the progress of opening.
    def self.open(*arguments, **options)
      handle = new(*arguments, **options)
      return handle unless block_given?

      begin
        yield handle
      ensure
        handle.close
      end
    end

    def close
      @lock.synchronize { @closed = true }
      finish
    end

    protected

    def initialize(pointer)
      @pointer = pointer
      @lock = Mutex.new
      @users = 0
      @closed = false
    end

    def start
      @lock.synchronize do
        raise IOError, "closed #{self.class}" if @closed

        @users += 1
        @pointer
      end
    end

    def finish(users = 0)
      @lock.synchronize { @pointer.call_free if (@users -= users).zero? && @closed && !@pointer.freed? }
    end

    # Yields arguments with objects replaced by their pointers, which live until the block ends.
    def lend(*arguments)
      lent = []
      yield(*arguments.map { |value| value.is_a?(Handle) ? value.start.tap { lent << value } : value })
    ensure
      lent.each { |handle| handle.finish(1) }
    end

    # Makes a long call on a thread of its own, and returns the object that it made, which the garbage collector frees
    # if nobody else does. The caller's block runs on the caller's thread, where it may be left in any way; nothing may
    # leave a block that C calls.
    def call(name, type, *arguments)
      reports = Thread::Queue.new
      cancelled = false
      progress = Fiddle::Closure::BlockCaller.new(Fiddle::TYPE_INT, C::PROGRESS) do |_, *report|
        reports << report
        cancelled ? 1 : 0
      end
      out = Fiddle::Pointer.malloc(Fiddle::SIZEOF_VOIDP, Fiddle::RUBY_FREE)
      lend(*arguments) do |*given|
        Thread.handle_interrupt(Object => :never) do
          worker = Thread.new do
            error = C.call(name, *given, progress, nil, out)
            [error, Fiddle::Pointer.new(out.ptr.to_i, 0, C::RELEASES[type])]
          ensure
            reports.close
          end
          Thread.handle_interrupt(Object => :immediate) do
            while (report = reports.pop)
              yield(*report) if block_given?
            end
          end
          error, made = worker.value
          error ? raise(error) : made
        ensure
          cancelled = true
          worker.join
        end
      end
    end
  end

  # An immutable array of the library: an embedding, latents or images.
  class Tensor < Handle
    def self.check(value) = value.is_a?(Tensor) ? value : raise(TypeError, "expected a #{self}, found #{value.class}")

    def shape = lend(self) { |tensor| C.pixart_tensor_shape(tensor)[0, 8 * C.pixart_tensor_rank(tensor)].unpack("q*") }

    # The elements as bytes, a copy: data.unpack("e*") gives the floats of latents, data.bytes the pixels of images.
    def data = lend(self) { |tensor| C.pixart_tensor_data(tensor)[0, C.pixart_tensor_size(tensor)] }

    # Writes one image of a batch as a PNG file.
    def write(path, index: 0, **options)
      given = [Integer(index), C.text(File.path(path)), C.options(options)]
      error = lend(self) { |tensor| C.call("pixart_image_write", tensor, *given) } and raise error
    end
  end

  # What the three stages share.
  class Stage < Handle
    def initialize(model, **options, &block)
      type = self.class.name.split("::").last.downcase
      super(call("pixart_#{type}_open", type, C.text(File.path(model)), C.options(options), &block))
    end
  end

  class Encoder < Stage
    # Returns the embedding of a text.
    def encode(text, **options, &block)
      Tensor.new(call("pixart_encode", "tensor", self, C.text(text), C.options(options), &block))
    end
  end

  class Denoiser < Stage
    # Returns the latents of a run. negative may be nil if there is no guidance.
    def denoise(prompt, negative, **options, &block)
      embeddings = [Tensor.check(prompt), negative && Tensor.check(negative)]
      Tensor.new(call("pixart_denoise", "tensor", self, *embeddings, C.options(options), &block))
    end
  end

  class Decoder < Stage
    # Returns images, bytes of shape [count, height, width, 3].
    def decode(latents, **options, &block)
      Tensor.new(call("pixart_decode", "tensor", self, Tensor.check(latents), C.options(options), &block))
    end
  end
end
