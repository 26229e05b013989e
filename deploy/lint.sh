#!/usr/bin/env bash
# Every file that machines read and no test runs, held against its own schema or linter. Tools that a machine does not
# have are named and passed over; the others come with `make install`.
set -euo pipefail
cd "$(dirname "$0")/.."

have() {
  command -v "$1" >/dev/null || { echo "passed over: $1 is not installed"; return 1; }
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if have hadolint; then
  hadolint --config deploy/.hadolint.yaml deploy/Dockerfile deploy/Dockerfile.cuda
fi
if have check-jsonschema; then
  check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose.yaml deploy/compose.cuda.yaml
  check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
  check-jsonschema --quiet --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/idea.yml
  schema=$(python -c 'import importlib.util as u; print(u.find_spec("ray").submodule_search_locations[0])' 2>/dev/null || true)
  if [ -n "$schema" ]; then
    check-jsonschema --quiet --schemafile "$schema/autoscaler/ray-schema.json" deploy/ray-cluster.yaml
  else
    echo "passed over: ray is not installed"
  fi
fi
if have pre-commit; then
  pre-commit validate-config .pre-commit-config.yaml
fi
if have systemd-analyze; then
  sed 's#/opt/easel/bin/easel#/bin/true#' deploy/easel.service >"$scratch/easel.service"  # it is not installed here
  systemd-analyze verify "$scratch/easel.service"
  systemd-analyze security --offline=true --threshold=20 --no-pager deploy/easel.service | tail -n 1
fi
if have promtool; then
  promtool check rules deploy/prometheus/alerts.yml
  for config in prometheus compose; do  # the token that they name is nobody's here
    sed '/authorization:/d; /credentials_file:/d' "deploy/prometheus/$config.yml" >"$scratch/$config.yml"
    cp deploy/prometheus/alerts.yml "$scratch"
    promtool check config "$scratch/$config.yml"
  done
fi
echo "deploy: all checks passed"
