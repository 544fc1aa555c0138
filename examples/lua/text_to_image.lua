-- Text to image in LuaJIT.
--
--   make install PREFIX=$HOME/.local                    # in the root of the sources
--   export PKG_CONFIG_PATH=$HOME/.local/lib/pkgconfig LD_LIBRARY_PATH=$HOME/.local/lib
--   luajit text_to_image.lua MODEL PROMPT OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]
local pixart = require "pixart"
local ffi = require "ffi"

local function usage()
  io.stderr:write "usage: text_to_image.lua MODEL PROMPT OUT.png [--seed N] [--steps N] [--cancel-after FRACTION]\n"
  os.exit(1)
end

local model, prompt_text, path = arg[1], arg[2], arg[3]
local given = {["--seed"] = 7, ["--steps"] = 20, ["--cancel-after"] = math.huge}
for i = 4, #arg, 2 do
  if not given[arg[i]] or not tonumber(arg[i + 1]) then usage() end
  given[arg[i]] = tonumber(arg[i + 1])
end
if not path then usage() end

ffi.cdef [[
struct timespec { long seconds, nanoseconds; };
int clock_gettime(int clock, struct timespec *out);
void (*signal(int number, void (*handler)(int)))(int);
]]
ffi.C.signal(2, nil) -- Ctrl-C ends the process: luajit's own handler would raise an error in any callback

-- os.clock() counts the time of all threads.
local time = ffi.new "struct timespec"
local function now()
  ffi.C.clock_gettime(1, time) -- CLOCK_MONOTONIC
  return tonumber(time.seconds) + tonumber(time.nanoseconds) / 1e9
end

local asked
local function show(step, steps, fraction)
  io.stderr:write(("\rstep %d of %d, %.0f%%"):format(step, steps, fraction * 100))
  if fraction < given["--cancel-after"] then return end
  asked = now()
  return false -- cancels
end

local function run()
  local start = now()
  local encoder = pixart.open_encoder(model)
  local prompt, negative = encoder:encode(prompt_text), encoder:encode ""
  encoder:close()

  local denoiser = pixart.open_denoiser(model)
  local options = {seed = given["--seed"], num_inference_steps = given["--steps"]}
  local done, latents = pcall(denoiser.denoise, denoiser, prompt, negative, options, show)
  local returned = now()
  io.stderr:write "\n"
  denoiser:close()
  local cancelled = not done and latents.status == pixart.CANCELLED
  if not done and not cancelled then error(latents, 0) end

  if not cancelled then
    local decoder = pixart.open_decoder(model)
    decoder:decode(latents):write(path)
    decoder:close()
  end
  print(('{"language": "Lua", "version": "%s", "seconds": %.3f, "cancelled": %s, "cancel_seconds": %s}'):format(
    jit.version:match "%d.*", now() - start, cancelled, cancelled and ("%.4f"):format(returned - asked) or "null"))
  return cancelled and 2 or 0
end

local fine, result = pcall(run)
if not fine then io.stderr:write(tostring(result), "\n") end
os.exit(fine and result or 1)
