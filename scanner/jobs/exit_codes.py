"""What a worker process ends with, and its supervisor understands."""

# It cannot begin (no model, no device): to be mended by someone. Also what every command ends with after an error.
EXIT_CANNOT_BEGIN = 2
# Something broke that is no file's fault.
EXIT_TROUBLE = 3
# A deadline passed; whoever was at fault has been charged.
EXIT_HUNG = 4
# It has grown too large, and asks to be replaced.
EXIT_RENEW = 5
