-- Checks what a host in Lua may do: fail in a callback, run compiled loops, pass the wrong things. PIXART_MODEL names a
-- model.
local pixart = require "pixart"

local function check(name, holds)
  print((holds and "ok   " or "FAIL ") .. name)
  if not holds then os.exit(1) end
end

local function failure(call, ...)
  local fine, found = pcall(call, ...)
  return not fine and found
end

local model = os.getenv "PIXART_MODEL"
local encoder, denoiser = pixart.open_encoder(model), pixart.open_denoiser(model)
local prompt, negative = encoder:encode "a cute cat", encoder:encode ""
local function denoise(steps, progress)
  return denoiser:denoise(prompt, negative, {seed = 7, num_inference_steps = steps}, progress)
end

local latents = denoise(2)
local shape = latents:shape()
check("shape", table.concat(shape, " ") == "1 8 16 16" and #latents:data() == 4 * 8 * 16 * 16)
check("false cancels", failure(denoise, 900, function() return false end).status == pixart.CANCELLED)
local mine = {}
check("an error is passed on", failure(denoise, 900, function() error(mine) end) == mine)

-- A loop that LuaJIT compiles, with calls that call back: more of them than it has places for callbacks.
local reports = 0
for _ = 1, 300 do
  encoder:encode("a cat", nil, function() reports = reports + 1; collectgarbage "step" end)
end
check("callbacks are given back", reports >= 300)

local nested
denoise(2, function() nested = encoder:encode "a cat"; collectgarbage() end)
check("a callback may call the library", nested:shape()[2] > 0)
check("an object in use", tostring(failure(denoise, 2, function() denoiser:close() end)):find "in use")
check("an unknown option", failure(denoiser.denoise, denoiser, prompt, negative, {stepz = 1}).message:find "stepz")
check("the name of a status", failure(pixart.open_encoder, "/nowhere").name == "PIXART_ERROR_FILE")
check("text with a NUL", failure(encoder.encode, encoder, "a\0b"):find "NUL")
check("a number for text", failure(encoder.encode, encoder, 7):find "text")
check("text for a tensor", failure(denoiser.denoise, denoiser, "a cat", negative):find "tensor")
encoder:close()
encoder:close()
check("a closed object", failure(encoder.encode, encoder, "a cat"):find "closed")
