-- libpixart in LuaJIT 2.1. The declarations are pixart.h itself, which pkg-config finds.
--
--   local encoder = pixart.open_encoder("models/emoji")
--   local prompt, negative = encoder:encode("a cute cat"), encoder:encode("")
--   encoder:close()
--   local latents = denoiser:denoise(prompt, negative, {seed = 7}, function(step, steps, fraction) ... end)
--
-- Options are tables. A failure is raised as a table with status, name and message. Long calls take a function that
-- sees their progress; it cancels the call by returning false, or by an error, which is raised once the call returned.
-- A hook that raises an error in a callback would unwind C. The program luajit sets one on Ctrl-C: see
-- text_to_image.lua.
local ffi = require "ffi"

local pixart = {}

-- Returns the header without what only a preprocessor understands, and the numbers that it defines.
local function read_header()
  local pipe = assert(io.popen "pkg-config --variable=includedir pixart")
  local folder = pipe:read "*l"
  pipe:close()
  local file = assert(io.open((folder or "/usr/include") .. "/pixart.h"))
  local text = file:read "*a"
  file:close()
  text = text:gsub("/%*.-%*/", ""):gsub("\\\n", " "):gsub("#ifdef __cplusplus.-#endif", "")
  local numbers = {}
  for name, value in text:gmatch "#define%s+PIXART_([%u%d_]+)%s+(%d+)" do numbers[name] = tonumber(value) end
  return text:gsub("#[^\n]*", ""):gsub("PIXART_API", ""), numbers
end

local header, numbers = read_header()
ffi.cdef(header)
local C = ffi.load "libpixart.so.1"
pixart.version = ffi.string(C.pixart_version())

local Error = {__tostring = function(error) return error.name .. ": " .. error.message end}

local function check(status)
  if status == 0 then return end
  local name, message = ffi.string(C.pixart_status_name(status)), ffi.string(C.pixart_error_message())
  error(setmetatable({status = status, name = name, message = message}, Error), 0)
end

-- Returns text for C, which would cut it at a NUL.
local function text(value)
  if type(value) ~= "string" then error("expected text, found a " .. type(value), 0) end
  if value:find("\0", 1, true) then error("text contains a NUL", 0) end
  return value
end

local escapes = {['"'] = '\\"', ["\\"] = "\\\\"}

-- Writes a value as JSON. Tables with elements are arrays.
local function json(value)
  local kind, parts = type(value), {}
  if kind == "string" then
    return '"' .. value:gsub('[%c"\\]', function(c) return escapes[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
  elseif kind == "number" then
    return ("%.17g"):format(value)
  elseif kind ~= "table" then
    return tostring(value)
  elseif #value > 0 then
    for _, element in ipairs(value) do parts[#parts + 1] = json(element) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end
  for key, element in pairs(value) do parts[#parts + 1] = json(tostring(key)) .. ": " .. json(element) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

-- Objects of the library. The garbage collector frees what was not closed.
local classes = {}

local function own(type, pointer)
  return setmetatable({pointer = ffi.gc(pointer, C["pixart_" .. type .. "_release"]), users = 0}, classes[type])
end

local function pointer_of(type, object)
  if getmetatable(object) ~= classes[type] then error("expected " .. type .. ", found " .. tostring(object), 0) end
  if not object.pointer then error("the " .. type .. " is closed", 0) end
  return object.pointer
end

local function class(type)
  local methods = {}
  classes[type] = {__index = methods, __tostring = function() return "pixart " .. type end}

  -- Frees the object now. Closing twice does nothing.
  function methods:close()
    if self.users > 0 then error("the " .. type .. " is in use by a call", 0) end
    if self.pointer then C["pixart_" .. type .. "_release"](ffi.gc(self.pointer, nil)) end
    self.pointer = nil
  end
  return methods
end

local function lend(objects, step)
  for _, object in pairs(objects) do object.users = object.users + step end
end

-- Makes an object by a long call, call(progress, out). `objects` are those that it uses.
local function make(type, objects, progress, call)
  local failure
  local callback = ffi.cast("pixart_progress", function(_, step, steps, fraction)
    if not progress or failure then return failure and 1 or 0 end
    local fine, answer = pcall(progress, tonumber(step), tonumber(steps), fraction) -- no error may pass through C
    if not fine then failure = {answer} end
    return (failure or answer == false) and 1 or 0
  end)
  local out = ffi.new("pixart_" .. type .. " *[1]")
  lend(objects, 1)
  local status = call(callback, out)
  lend(objects, -1)
  callback:free()
  local object = status == 0 and own(type, out[0])
  if failure then error(failure[1], 0) end
  check(status)
  return object
end

local encoder, denoiser, decoder, tensor = class "encoder", class "denoiser", class "decoder", class "tensor"

-- pixart.open_encoder(model, options, progress), open_denoiser and open_decoder.
for _, stage in ipairs {"encoder", "denoiser", "decoder"} do
  pixart["open_" .. stage] = function(model, options, progress)
    local open, model, options = C["pixart_" .. stage .. "_open"], text(model), json(options or {})
    return make(stage, {}, progress, function(callback, out) return open(model, options, callback, nil, out) end)
  end
end

-- Returns the embedding of a text.
function encoder:encode(prompt, options, progress)
  local pointer, prompt, options = pointer_of("encoder", self), text(prompt), json(options or {})
  return make("tensor", {self}, progress, function(callback, out)
    return C.pixart_encode(pointer, prompt, options, callback, nil, out)
  end)
end

-- Returns the latents of a run. `negative` may be nil if there is no guidance.
function denoiser:denoise(prompt, negative, options, progress)
  local pointer, positive, options = pointer_of("denoiser", self), pointer_of("tensor", prompt), json(options or {})
  local other = negative and pointer_of("tensor", negative)
  return make("tensor", {self, prompt, negative}, progress, function(callback, out)
    return C.pixart_denoise(pointer, positive, other, options, callback, nil, out)
  end)
end

-- Returns images, bytes of shape {count, height, width, 3}.
function decoder:decode(latents, options, progress)
  local pointer, given, options = pointer_of("decoder", self), pointer_of("tensor", latents), json(options or {})
  return make("tensor", {self, latents}, progress, function(callback, out)
    return C.pixart_decode(pointer, given, options, callback, nil, out)
  end)
end

-- Returns the dimensions as an array.
function tensor:shape()
  local pointer, shape = pointer_of("tensor", self), {}
  for i = 1, tonumber(C.pixart_tensor_rank(pointer)) do shape[i] = tonumber(C.pixart_tensor_shape(pointer)[i - 1]) end
  return shape
end

-- Returns a copy of the elements as a string of bytes.
function tensor:data()
  local pointer = pointer_of("tensor", self)
  return ffi.string(C.pixart_tensor_data(pointer), C.pixart_tensor_size(pointer))
end

-- Writes one image as a PNG file. `index` counts from 1, as Lua does.
function tensor:write(path, index, options)
  check(C.pixart_image_write(pointer_of("tensor", self), (index or 1) - 1, text(path), json(options or {})))
end

for name, number in pairs(numbers) do pixart[name] = number end -- pixart.CANCELLED, pixart.ERROR_FILE ...
jit.off(true, true) -- C that calls back into Lua must not be compiled

return pixart
