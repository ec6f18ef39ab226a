package stix

// The ids of the extension definitions of the Incident Extension Suite.
//
// Source: stix-incident-ext §2.
const (
	IncidentExtension = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
	EventExtension    = "extension-definition--4ca6de00-5b0d-45ef-a1dc-ea7279ea910e"
	ImpactExtension   = "extension-definition--7cc33dd6-f6a1-489b-98ea-522d351d71b9"
	TaskExtension     = "extension-definition--2074a052-8be4-4932-849e-f5e7798e0030"
)

// Nested types of the suite.
var (
	// Source: stix-incident-ext §3.2.
	eventSequence = fields("event-sequence-entry", "stix-incident-ext §3.2",
		ref("event_ref", "event").req(), word("condition_type", activityConditions).req(),
		word("transition_type", activityTransitions).req(),
	).done()

	// Source: stix-incident-ext §3.3.
	eventEntry = fields("event-entry", "stix-incident-ext §3.3",
		ref("event_ref", "event").req(), nested("next_steps", eventSequence).many(), flag("sequence_start"),
	).done()

	// Source: stix-incident-ext §3.4.
	incidentScore = fields("incident-score", "stix-incident-ext §3.4",
		text("name").req(), number("value").req(), text("description"),
	).done()

	// Source: stix-incident-ext §3.5.
	stateChange = fields("state-change", "stix-incident-ext §3.5",
		word("state_change_type", stateChanges).req(), ref("initial_ref"), ref("result_ref"),
	).someOf("initial_ref", "result_ref").rule(checkStateChange).done()

	// Source: stix-incident-ext §3.6.
	taskSequence = fields("task-sequence-entry", "stix-incident-ext §3.6",
		ref("task_ref", "task").req(), word("condition_type", activityConditions).req(),
		word("transition_type", activityTransitions).req(),
	).done()

	// Source: stix-incident-ext §3.7.
	taskEntry = fields("task-entry", "stix-incident-ext §3.7",
		ref("task_ref", "task").req(), nested("next_steps", taskSequence).many(), flag("sequence_start"),
	).done()

	// incidentCore is what the suite adds to an incident. Besides the lists of
	// entries of the published text it knows the lists of references of its
	// successor.
	//
	// Source: stix-incident-ext §2.1.
	incidentCore = fields("incident core extension", "stix-incident-ext §2.1",
		word("extension_type", extensionTypes).req(), word("determination", determinations).req(),
		word("investigation_status", investigationStatuses).req(), integer("criticality").percent(),
		words("detection_methods", detectionMethods), nested("events", eventEntry).many(),
		refsTo("event_refs", "event"), refsTo("impact_refs", "impact"), refsTo("task_refs", "task"),
		of("impacted_entity_counts", kindCounts), words("incident_types", eventTypes),
		word("recoverability", recoverabilities), nested("scores", incidentScore).many(),
		nested("tasks", taskEntry).many(),
	).done()
)

// impactKinds are the extensions that say what an impact is.
//
// Source: stix-incident-ext §2.3.2.
var impactKinds = map[string]*shape{
	"availability-ext": fields("availability-ext", "stix-incident-ext §2.3.2.1",
		integer("availability_impact").percent().req()).done(),
	"confidentiality-ext": fields("confidentiality-ext", "stix-incident-ext §2.3.2.2",
		word("loss_type", confidentialityLosses).req(), word("information_type", informationTypes),
		integer("record_count").natural(), integer("record_size").natural(),
	).rule(unlessNone("loss_type", "information_type")).done(),
	"external-ext": fields("external-ext", "stix-incident-ext §2.3.2.3",
		word("impact_type", externalImpacts).req()).done(),
	"integrity-ext": fields("integrity-ext", "stix-incident-ext §2.3.2.4",
		word("alteration", integrityAlterations).req(), word("information_type", informationTypes),
		integer("record_count").natural(), integer("record_size").natural(),
	).rule(unlessNone("alteration", "information_type")).done(),
	"monetary-ext": fields("monetary-ext", "stix-incident-ext §2.3.2.5", monetaryFields...).
		need("conversion_rate", "currency_actual").need("currency_actual", "conversion_rate").
		need("conversion_rate", "conversion_time").need("currency_actual", "currency").
		need("min_amount", "currency").need("min_amount", "max_amount").need("max_amount", "min_amount").done(),
	"economic-ext": fields("economic-ext", "stix-incident-ext §2.3.2.5", monetaryFields...).done(),
	"physical-ext": fields("physical-ext", "stix-incident-ext §2.3.2.6",
		word("impact_type", physicalImpacts).req(), word("asset_type", assetTypes),
	).rule(unlessNone("impact_type", "asset_type")).done(),
	"traceability-ext": fields("traceability-ext", "stix-incident-ext §2.3.2.7",
		word("traceability_impact", traceabilities).req()).done(),
}

var monetaryFields = []field{
	word("variety", monetaryImpacts).req(), number("conversion_rate").natural(), moment("conversion_time"),
	text("currency"), text("currency_actual"), number("max_amount").natural(), number("min_amount").natural(),
}

// incidentTypes are the new domain objects of the suite. Like [incidentCore]
// they know the properties of the published text and of its successor.
var incidentTypes = []*shape{
	// Source: stix-incident-ext §2.2.
	fields("event", "stix-incident-ext §2.2",
		word("status", eventStatuses).req(), nested("changed_objects", stateChange).many(), text("description"),
		moment("end_time"), word("end_time_fidelity", fidelities), words("event_types", eventTypes), text("goal"),
		text("name"), refsTo("sighting_refs", "sighting"), moment("start_time"),
		word("start_time_fidelity", fidelities), nested("subevents", eventEntry).many(),
		refsTo("next_event_refs", "event"),
	).notBefore("end_time", "start_time").rule(needsExtension(EventExtension)).common(ClassSDO),

	// Source: stix-incident-ext §2.3.
	fields("impact", "stix-incident-ext §2.3",
		text("impact_category").req(), integer("criticality").percent(), text("description"), moment("end_time"),
		word("end_time_fidelity", fidelities), of("impacted_entity_counts", kindCounts), refsTo("impacted_refs"),
		word("recoverability", recoverabilities), moment("start_time"), word("start_time_fidelity", fidelities),
		ref("superseded_by_ref", "impact"),
	).notBefore("end_time", "start_time").need("superseded_by_ref", "end_time").with(impactKinds).
		rule(checkImpact).common(ClassSDO),

	// Source: stix-incident-ext §2.4.
	fields("task", "stix-incident-ext §2.4",
		word("outcome", taskOutcomes).req(), nested("changed_objects", stateChange).many(),
		words("task_types", taskTypes), text("description"), moment("end_time"),
		word("end_time_fidelity", fidelities), text("error"), of("impacted_entity_counts", kindCounts),
		of("affected_entity_counts", kindCounts), text("name"), integer("priority").percent(), moment("due_date"),
		moment("start_time"), word("start_time_fidelity", fidelities), nested("subtasks", taskEntry).many(),
		refsTo("next_task_refs", "task"),
	).notBefore("end_time", "start_time").rule(needsExtension(TaskExtension)).common(ClassSDO),
}
