# frozen_string_literal: true

# Text to image in Ruby.
#
#   make install PREFIX=$HOME/.local                    # in the root of the sources
#   export LD_LIBRARY_PATH=$HOME/.local/lib
#   ruby text_to_image.rb MODEL PROMPT OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]
require_relative "pixart"
require "optparse"

def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

settings = { seed: 7, num_inference_steps: 20 }
cancel_after = nil
begin
  parser = OptionParser.new("usage: text_to_image.rb MODEL PROMPT OUT.png [options]")
  parser.on("--seed N", Integer) { |seed| settings[:seed] = seed }
  parser.on("--steps N", Integer) { |steps| settings[:num_inference_steps] = steps }
  parser.on("--cancel-after FRACTION", Float) { |fraction| cancel_after = fraction }
  model, text, path = arguments = parser.parse(ARGV)
  raise OptionParser::MissingArgument unless arguments.size == 3
rescue OptionParser::ParseError
  abort parser.banner
end

begin
  start = now
  prompt, negative = Pixart::Encoder.open(model) { |encoder| [text, ""].map { |each| encoder.encode(each) } }
  asked = returned = nil
  latents = Pixart::Denoiser.open(model) do |denoiser|
    denoiser.denoise(prompt, negative, **settings) do |step, steps, fraction|
      $stderr.printf("\rstep %d of %d, %.0f%%", step, steps, fraction * 100)
      next unless cancel_after && fraction >= cancel_after

      asked = now
      break # ends the call, which returns nil
    end
  ensure
    returned = now
    $stderr.puts
  end
  images = latents && Pixart::Decoder.open(model) { |decoder| decoder.decode(latents) }
  images&.write(path)
rescue Interrupt # Ctrl-C ends any call
  images = nil
rescue Pixart::Error => error
  abort "#{error.name}: #{error.message}"
end

puts JSON.generate(language: "Ruby", version: RUBY_VERSION, seconds: (now - start).round(3), cancelled: !images,
                   cancel_seconds: asked && (returned - asked).round(4))
exit images ? 0 : 2
