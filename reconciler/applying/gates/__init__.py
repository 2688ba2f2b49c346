"""What has to hold of a plan before any of it runs: a file for each gate, and one table of them, `registry.GATES`.

A gate looks at what was read, and asks nobody: it gives a `Refusal` for whatever is in the way, or nothing. The table
says at which moment each is asked, and in which order; what a gate refuses, those after it do not see. Apply asks all
of them. `plan` shows the same to whoever reviews it, as far as it can be known then:

    gate             what a plan says of it
    expected_digest  its own, which `apply --digest` takes
    age              when it was made
    known_targets    the target and the kind of each change, in its address
    duplicates       -
    order            - (no plan that is made here has two changes of one address, or is out of order)
    denied           the hazards that a policy denies
    approvals        how many have to approve, and which hazards
    rollback         that it undoes an apply, and its own digest
    windows          when they open, or close
    nodes            all nodes of each target
    superseded       the declaration of each change and its place
    hazards          the `--allow` that an apply needs
    secrets          (sensitive), in the place of each
    at_most          how long each build takes
    identity         system, version, location and role of each target
    applies_as       who is to apply, beside the location of the target
    time_left        how long each build takes
    bounds           what is over a bound of a policy when it is made

Another gate is one file and one line of the table. The file has one function, `gate`,
of the signature `gate.Gate`. What it has to know and nobody reads yet is a field of `gate.Facts`, or of `Options`
where whoever runs apply says it. What it says of a plan that was just made is a row here, and shown by `plan`.
Rehearsals and locks are no gates: they ask the live system, and change what others see of it.

Decided: docs/decisions.md#gates
"""
