# A policy over `reconciler plan --format json`, for Open Policy Agent, Conftest and whatever else reads Rego:
#
#   opa eval --fail-defined --data docs/policies/plan.rego --input plan.json 'data.reconciler.deny[message]'
#
# Each message is one reason why the plan is refused. `docs/machines.md` says what is in a plan.
package reconciler

# No index is dropped that was scanned since statistics were reset.
deny contains message if {
	some change in input.resource_changes
	change.type == "pg_index"
	some hazard in change.hazards
	hazard.type == "index-drop"
	some fact in change.evidence
	fact.name == "scans"
	fact.value > 0
	message := sprintf("%s: dropped, and scanned %v times", [change.address, fact.value])
}

# Nothing is built for longer than an hour, by the plan's own estimate.
deny contains message if {
	some change in input.resource_changes
	some fact in change.evidence
	fact.name == "build time"
	fact.unit == "seconds"
	fact.value > 3600
	message := sprintf("%s: takes about %v s to build", [change.address, fact.value])
}

# What is made less safe is declared with a reason.
deny contains message if {
	some change in input.resource_changes
	some hazard in change.hazards
	hazard.type == "less-safe"
	change.why == ""
	message := sprintf("%s: less safe, and no why is declared", [change.address])
}

# A plan that has not seen everything is not applied.
deny contains "a target could not be read" if count(input.unreachable) > 0
