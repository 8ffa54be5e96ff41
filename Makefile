# memoryd: `make run` shows it at work, `make test` checks it. Both install what they need.

SWIFT ?= swift
PREFIX ?= /usr/local
BINARY = .build/release/memoryd
MEMORYD ?= $(BINARY)
MINUTES ?= 15
TARGET ?= transcript
LIBRARY ?= MemoryStore
FUZZ_SECONDS ?= 600

# One static executable starts three times faster than one that loads its libraries
# (docs/decisions/0003-static-release.md). Where the system has no static C library, only Swift's
# own libraries are linked in. The front has no other (docs/decisions/0027-embedded-front.md).
STATIC_FRONT = no
ifeq ($(shell uname -s),Linux)
RELEASE_FLAGS = --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked \
  -Xswiftc -Xfrontend -Xswiftc -prespecialize-generic-metadata \
  -Xswiftc -Xfrontend -Xswiftc -disable-concrete-type-metadata-mangled-name-accessors \
  -Xswiftc -Xclang-linker -Xswiftc -no-pie
ifneq ($(wildcard /usr/lib/*/libc.a /usr/lib64/libc.a /usr/lib/libc.a),)
STATIC_FRONT = yes
ifneq ($(wildcard /usr/lib/*/libsqlite3.a /usr/lib64/libsqlite3.a /usr/lib/libsqlite3.a),)
RELEASE_FLAGS += -Xswiftc -Xclang-linker -Xswiftc -static
endif
endif
endif

.PHONY: run build test test-library test-all cases test-tsan bench soak lint format fuzz install uninstall clean deps test-vault

## Install what is missing, build, and take a checkpoint of a sample session.
run: build
	@scripts/demo.sh $(BINARY)

build: deps
	$(SWIFT) build -c release --product memoryd-engine $(RELEASE_FLAGS)
	@SWIFT="$(SWIFT)" STATIC=$(STATIC_FRONT) scripts/front.sh release $(RELEASE_FLAGS)

## All tests. Those on real transcripts run where ../shared/data/transcripts is there.
test: deps test-vault
	@scripts/commonmark-spec.sh
	$(SWIFT) build --build-tests
	TMPDIR=$$(scripts/test-folder.sh) $(SWIFT) test --skip-build

## The tests of one library, without building the engine: make test-library LIBRARY=MemoryStore
test-library: deps
	@scripts/commonmark-spec.sh
	MEMORYD_TEST_LIBRARY=$(LIBRARY) $(SWIFT) build --build-tests
	MEMORYD_TEST_LIBRARY=$(LIBRARY) $(SWIFT) test --skip-build

## The same with every fault of the vault, all seeds, longer inputs and a longer randomised run.
test-all: deps test-vault
	@scripts/commonmark-spec.sh
	$(SWIFT) build --build-tests
	TMPDIR=$$(scripts/test-folder.sh) MEMORYD_TEST_ALL=1 $(SWIFT) test --skip-build
	@$(MAKE) --no-print-directory cases MEMORYD=.build/debug/memoryd

## Reports of users of comparable tools as small inputs, where ../shared/cases is there: without a
## daemon, then with one.
cases:
	@scripts/cases.sh $(MEMORYD)
	@scripts/cases.sh --daemon $(MEMORYD)

## The libraries' tests under the thread sanitizer, in a build folder of its own. Those that run
## whole processes against deadlines are left out: the sanitizer makes each start take a second.
test-tsan: deps
	$(SWIFT) test --sanitize thread --scratch-path .build-tsan --skip IntegrationTests

## Ratios against public tools, in one run.
bench: build test-vault
	@scripts/install-deps.sh cmark
	python3 Benchmarks/bench.py --memoryd $(BINARY)
	python3 Benchmarks/retrieval.py --memoryd $(BINARY) --million \
	  $(wildcard ../shared/data/retrieval/*-dev)

## Sessions, MCP clients and a flapping vault while the daemon is killed every minute.
soak: build test-vault
	.build/vault-env/bin/python Tests/Soak/soak.py --memoryd $(BINARY) --minutes $(MINUTES)

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests
	@scripts/lint.sh

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests

## libFuzzer on the readers: make fuzz TARGET=transcript (or handoff) FUZZ_SECONDS=600
fuzz: deps
	@scripts/fuzz.sh $(TARGET) $(FUZZ_SECONDS)

install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/memoryd
	install -m 755 $(BINARY)-engine $(DESTDIR)$(PREFIX)/libexec/memoryd/memoryd-engine
	install -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/memoryd
	-strip $(DESTDIR)$(PREFIX)/libexec/memoryd/memoryd-engine $(DESTDIR)$(PREFIX)/bin/memoryd

uninstall:
	rm -rf $(DESTDIR)$(PREFIX)/libexec/memoryd $(DESTDIR)$(PREFIX)/bin/memoryd

clean:
	rm -rf .build .build-tsan .build-fuzz

deps:
	@scripts/install-deps.sh

## The Python environment of the vault that the tests talk to.
test-vault: deps
	@scripts/vault-env.sh
	@scripts/vault-env.sh mcp-env Tests/MCP/requirements.txt
