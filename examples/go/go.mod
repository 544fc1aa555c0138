module libpixart/host

go 1.19
