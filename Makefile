# ชุมชนกรุณา Karuna. `make` alone shows what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup run test check unit journeys faults browser pictures soak mutants bench contracts lock vendor test-containers images clean

help: ## แสดงคำสั่ง (show the commands)
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(STAMP) ## ติดตั้งสิ่งที่ต้องใช้ลง .venv (install into .venv)

$(STAMP): requirements/dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11+ needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || (echo 'Debian/Ubuntu: apt-get install python3-venv'; exit 1)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	$(BIN)/python -m pip check --disable-pip-version-check
	echo "$(CURDIR)" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/karuna.pth"
	printf '#!/bin/sh\nexec "%s/python" -m karuna "$$@"\n' "$(CURDIR)/$(BIN)" > $(BIN)/karuna && chmod +x $(BIN)/karuna
	-$(BIN)/python -m services.dispatch.engine.worker </dev/null >/dev/null # compiles the planner now, not at the first start
	touch $@

run: setup ## เปิดระบบทั้งหมดบนเครื่องนี้ (start everything here)
	@$(BIN)/karuna up

test: check unit journeys faults browser ## ตรวจและทดสอบทั้งหมด (check, unit, contract, journeys, faults, screens)

check: setup ## รูปแบบ ชนิดข้อมูล และสัญญาการนำเข้า (lint, types, import contracts)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: setup ## กฎ หน่วย และสัญญาเหตุการณ์ (rules, units, contracts, on real parts)
	$(BIN)/pytest -q -n 2 --dist loadfile tests --ignore=tests/journeys --ignore=tests/faults --ignore=tests/browser

journeys: setup ## การเดินทางของเรื่องหนึ่ง (journeys through all services)
	$(BIN)/pytest -q tests/journeys

faults: setup ## ความผิดพลาดที่ต้องทนได้ (kills, pauses, lost broker, rebuilt streams)
	$(BIN)/pytest -q tests/faults

browser: setup ## หน้าจอในเบราว์เซอร์จริง (the screens in a real browser; needs Debian's chromium)
	$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder tests/browser

pictures: setup ## ถ่ายภาพทุกหน้าจอลง docs/pictures และ docs/screens.md (a picture of every screen, and the page that shows them)
	$(BIN)/python -m tests.browser.pictures

soak: setup ## ทดสอบความผิดพลาดนาน ๆ (many more random faults; about 20 minutes)
	KARUNA_SOAK=1 $(BIN)/pytest -q tests/faults

mutants: setup ## ทำให้กฎเสีย แล้วดูว่าทดสอบแดง (break each law; the suite must turn red)
	$(BIN)/python -m tests.mutants

bench: setup ## วัดความเร็วเทียบกับพื้นในรอบเดียวกัน (speed against a floor of the same run → BENCH.md)
	$(BIN)/python -m bench

contracts: setup ## สร้าง AsyncAPI, JSON Schema และหน้าเอกสารเหตุการณ์ (generate the event contract)
	$(BIN)/karuna contracts

lock: setup ## ตรึงรุ่นของไลบรารีพร้อม hash (pin with hashes, without index addresses)
	$(BIN)/python -m pip install --quiet uv
	set -e; for file in build service engine run dev; do \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	    requirements/$$file.in -o requirements/$$file.txt; \
	done

vendor: setup ## ไฟล์ของผู้อื่นที่แนบมา ต้องมี npm (fetch vendored files anew and compare; ACCEPT=1 takes new ones)
	$(BIN)/python -m karuna.vendor $(if $(ACCEPT),--accept)

# Journeys and faults of the whole system are left out: they start broker and database by the launcher they test.
test-containers: setup ## ทดสอบบน NATS และ PostgreSQL ของ testcontainers (the suite on containers)
	KARUNA_TEST_CONTAINERS=1 TESTCONTAINERS_RYUK_DISABLED=true $(BIN)/pytest -q tests \
	  --ignore=tests/journeys --ignore=tests/faults/test_whole_system.py --ignore=tests/browser

images: ## สร้างอิมเมจทั้งหมด (build every image; offline: docs/operations-containers.md)
	docker compose -f deploy/compose.yaml --profile tools build

clean: ## ลบสิ่งที่สร้าง ยกเว้นข้อมูลใน var (remove what was made, not var)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
