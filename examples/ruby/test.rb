# frozen_string_literal: true

# Checks what a host in Ruby may do: leave a block in every way, use threads, pass the wrong things. PIXART_MODEL names a model.
require_relative "pixart"
require "timeout"

def check(name) = yield ? puts("ok   #{name}") : abort("FAIL #{name}")

def raised(kind)
  yield
  nil
rescue kind => error
  error
end

model = ENV.fetch("PIXART_MODEL")
encoder = Pixart::Encoder.new(model)
prompt, negative = encoder.encode("a cute cat"), encoder.encode("")
denoiser = Pixart::Denoiser.new(model)
denoise = ->(**options, &block) { denoiser.denoise(prompt, negative, seed: 7, **options, &block) }
latents = denoise.call(num_inference_steps: 2)

check("break ends a call") { (denoise.call { break :left }) == :left }
check("an exception is passed on") { raised(KeyError) { denoise.call { {}.fetch(1) } } }
check("throw is passed on") { catch(:found) { denoise.call { |step,| throw :found, step } }.zero? }
check("a timeout ends a call") do
  raised(Timeout::Error) { Timeout.timeout(0.1) { denoise.call(num_inference_steps: 999) } }
end
check("a thread can be killed in a call") do
  started = Thread::Queue.new
  thread = Thread.new { denoise.call(num_inference_steps: 999) { started << true } }
  started.pop
  thread.kill.join
end
check("calls run side by side, whatever is collected") do
  runs = Array.new(3) { Thread.new { denoise.call(num_inference_steps: 2) { GC.start } } }
  runs.all? { |run| run.value.data == latents.data }
end
check("an object closed during a call lives to its end") do
  other = Pixart::Denoiser.new(model)
  other.denoise(prompt, negative, seed: 7, num_inference_steps: 2) { other.close }.data == latents.data
end
2.times { encoder.close }
check("a closed object is refused") { raised(IOError) { encoder.encode("x") } }
check("shape") { latents.shape == [1, 8, 16, 16] && latents.data.unpack("e*").size == 2048 }
check("an unknown option") { raised(Pixart::Error) { denoise.call(stepz: 1) }.message.include?("stepz") }
check("the name of a status") { raised(Pixart::Error) { Pixart::Encoder.new("/nowhere") }.name == "PIXART_ERROR_FILE" }
check("text with a NUL") { Pixart::Encoder.open(model) { |open| raised(ArgumentError) { open.encode("a\0b") } } }
check("numbers for text") { Pixart::Encoder.open(model) { |open| raised(TypeError) { open.encode(7) } } }
check("text for a tensor") { raised(TypeError) { denoiser.denoise("a cat", negative) } }
