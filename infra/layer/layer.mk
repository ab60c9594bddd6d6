# Builds the Lambda layer: the package stratocube and the packages it needs, as wheels of the runtime's Python and the
# chosen processor, whatever Python and processor builds. `sam build` includes this through <processor>/Makefile, in a
# copy of shared/, with ARTIFACTS_DIR set.
#
# Without dependencies: requirements.txt is the whole list, and the Lambda runtime brings boto3 itself (33 MB saved of
# the 250 MB that a function and its layers may have).

PYTHON ?= python3
RUNTIME := 3.13
# Compiles for the runtime, so it must be of its version.
COMPILER ?= python$(RUNTIME)
HERE := $(dir $(lastword $(MAKEFILE_LIST)))
# The runtime's glibc is 2.34: every older manylinux wheel runs on it.
PLATFORMS := $(foreach tag,manylinux_2_34 manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014,--platform $(tag)_$(MACHINE))
TARGET = $(ARTIFACTS_DIR)/python

.PHONY: build-Layer
build-Layer:
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes \
		--only-binary=:all: --implementation cp --python-version $(RUNTIME) $(PLATFORMS) \
		--target "$(TARGET)" --requirement requirements.txt
	cp -R stratocube "$(TARGET)/stratocube"
	# The command line and the embedded stack never run inside a function.
	rm -rf "$(TARGET)/stratocube/cli" "$(TARGET)/stratocube/local" "$(TARGET)/bin"
	# Type stubs, C headers and the packages' own tests are for developers.
	find "$(TARGET)" -type d \( -name __pycache__ -o -name tests -o -name include \) -prune -exec rm -rf {} +
	find "$(TARGET)" -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' \) -delete
	$(PYTHON) "$(HERE)shed_debug.py" "$(TARGET)"
	# Lambda cannot keep what it compiles: without bytecode every cold start compiles some 700 modules. Checked by
	# nobody, because zipping changes the times of files.
	@if $(COMPILER) -c 'import sys; sys.exit(sys.version_info[:2] != tuple(map(int, "$(RUNTIME)".split("."))))'; then \
		$(COMPILER) -W ignore -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$(TARGET)" -p /opt/python "$(TARGET)"; \
	else \
		echo "no Python $(RUNTIME) as $(COMPILER): the layer goes without bytecode, and cold starts take a second longer" >&2; \
	fi
