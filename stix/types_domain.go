package stix

// domainTypes are the 19 domain objects. Source: stix-2.1 §4.
var domainTypes = []*shape{
	// Source: stix-2.1 §4.1.
	fields("attack-pattern", "stix-2.1 §4.1",
		text("name").req(), text("description"), texts("aliases").since21(),
		nested("kill_chain_phases", killChainPhase).many(),
	).interop("created_by_ref", "external_references", "kill_chain_phases").common(ClassSDO),

	// Source: stix-2.1 §4.2.
	fields("campaign", "stix-2.1 §4.2",
		text("name").req(), text("description"), texts("aliases"), moment("first_seen"), moment("last_seen"),
		text("objective"),
	).notBefore("last_seen", "first_seen").interop("created_by_ref").common(ClassSDO),

	// Source: stix-2.1 §4.3.
	fields("course-of-action", "stix-2.1 §4.3",
		text("name").req(), text("description"), of("action", kindAny),
	).interop("created_by_ref").common(ClassSDO),

	// Source: stix-2.1 §4.4.
	fields("grouping", "stix-2.1 §4.4",
		text("name"), text("description"), word("context", groupingContexts).req(), refsTo("object_refs").req(),
	).interop("created_by_ref").common(ClassSDO),

	// Source: stix-2.1 §4.5.
	fields("identity", "stix-2.1 §4.5",
		text("name").req(), text("description"), texts("roles").since21(), word("identity_class", identityClasses),
		words("sectors", industrySectors), text("contact_information"),
	).rule(checkIdentity).common(ClassSDO),

	// Source: stix-2.1 §4.6.
	fields("incident", "stix-2.1 §4.6",
		text("name").req(), text("description"), nested("kill_chain_phases", killChainPhase).many(),
	).with(map[string]*shape{IncidentExtension: incidentCore}).common(ClassSDO),

	// Source: stix-2.1 §4.7.
	fields("indicator", "stix-2.1 §4.7",
		text("name"), text("description"), words("indicator_types", indicatorTypes).since21(),
		text("pattern").req(), word("pattern_type", patternTypes).req().since21(), text("pattern_version").since21(),
		moment("valid_from").req(), moment("valid_until"), nested("kill_chain_phases", killChainPhase).many(),
	).later("valid_until", "valid_from").rule(checkIndicator).
		interop("created_by_ref", "name", "indicator_types").common(ClassSDO),

	// Source: stix-2.1 §4.8.
	fields("infrastructure", "stix-2.1 §4.8",
		text("name").req(), text("description"), words("infrastructure_types", infrastructureTypes), texts("aliases"),
		nested("kill_chain_phases", killChainPhase).many(), moment("first_seen"), moment("last_seen"),
	).notBefore("last_seen", "first_seen").interop("created_by_ref", "infrastructure_types").common(ClassSDO),

	// Source: stix-2.1 §4.9.
	fields("intrusion-set", "stix-2.1 §4.9",
		text("name").req(), text("description"), texts("aliases"), moment("first_seen"), moment("last_seen"),
		texts("goals"), word("resource_level", resourceLevels), word("primary_motivation", attackMotivations),
		words("secondary_motivations", attackMotivations),
	).notBefore("last_seen", "first_seen").
		interop("created_by_ref", "resource_level", "primary_motivation").common(ClassSDO),

	// Source: stix-2.1 §4.10.
	fields("location", "stix-2.1 §4.10",
		text("name"), text("description"), number("latitude").between(-90, 90), number("longitude").between(-180, 180),
		number("precision"), word("region", regions), text("country"), text("administrative_area"), text("city"),
		text("street_address"), text("postal_code"),
	).someOf("region", "country", "latitude").need("latitude", "longitude").need("longitude", "latitude").
		need("precision", "latitude").interop("created_by_ref", "region").rule(checkLocation).common(ClassSDO),

	// Source: stix-2.1 §4.11.
	fields("malware", "stix-2.1 §4.11",
		text("name"), text("description"), words("malware_types", malwareTypes).since21(),
		flag("is_family").req().since21(), texts("aliases").since21(),
		nested("kill_chain_phases", killChainPhase).many(), moment("first_seen").since21(),
		moment("last_seen").since21(), refsTo("operating_system_refs", "software").since21(),
		words("architecture_execution_envs", processorArchitectures).since21(),
		words("implementation_languages", implementationLanguages).since21(),
		words("capabilities", malwareCapabilities).since21(), refsTo("sample_refs", "artifact", "file").since21(),
	).notBefore("last_seen", "first_seen").rule(checkMalware).
		interop("created_by_ref", "name", "malware_types", "first_seen", "last_seen", "architecture_execution_envs",
			"implementation_languages", "capabilities").common(ClassSDO),

	// Source: stix-2.1 §4.12.
	fields("malware-analysis", "stix-2.1 §4.12",
		text("product").req(), text("version"), ref("host_vm_ref", "software"), ref("operating_system_ref", "software"),
		refsTo("installed_software_refs", "software"), text("configuration_version"), texts("modules"),
		text("analysis_engine_version"), text("analysis_definition_version"), moment("submitted"),
		moment("analysis_started"), moment("analysis_ended"), text("result_name"), word("result", malwareResults),
		refsTo("analysis_sco_refs").but(domainNames...), ref("sample_ref", "artifact", "file", "network-traffic"),
	).someOf("result", "analysis_sco_refs").rule(checkMalwareAnalysis).
		interop("created_by_ref", "version", "submitted", "analysis_started", "analysis_ended", "result").
		common(ClassSDO),

	// Source: stix-2.1 §4.13.
	fields("note", "stix-2.1 §4.13",
		text("abstract"), text("content").req(), texts("authors"), refsTo("object_refs").req(),
	).interop("created_by_ref").common(ClassSDO),

	// Source: stix-2.1 §4.14.
	fields("observed-data", "stix-2.1 §4.14",
		moment("first_observed").req(), moment("last_observed").req(),
		integer("number_observed").between(1, 999_999_999).req(), of("objects", kindContainer).dropped(),
		refsTo("object_refs").but(domainNames...).since21(),
	).notBefore("last_observed", "first_observed").someOf("objects", "object_refs").bar("objects", "object_refs").
		interop("created_by_ref", "object_refs").common(ClassSDO),

	// Source: stix-2.1 §4.15.
	fields("opinion", "stix-2.1 §4.15",
		text("explanation"), texts("authors"), word("opinion", opinions).req(), refsTo("object_refs").req(),
	).interop("created_by_ref").common(ClassSDO),

	// Source: stix-2.1 §4.16.
	fields("report", "stix-2.1 §4.16",
		text("name").req(), text("description"), words("report_types", reportTypes).since21(),
		moment("published").req(), refsTo("object_refs").req(),
	).interop("created_by_ref", "report_types").common(ClassSDO),

	// Source: stix-2.1 §4.17.
	fields("threat-actor", "stix-2.1 §4.17",
		text("name").req(), text("description"), words("threat_actor_types", threatActorTypes).since21(),
		texts("aliases"), moment("first_seen").since21(), moment("last_seen").since21(),
		words("roles", threatActorRoles), texts("goals"), word("sophistication", sophistications),
		word("resource_level", resourceLevels), word("primary_motivation", attackMotivations),
		words("secondary_motivations", attackMotivations), words("personal_motivations", attackMotivations),
	).notBefore("last_seen", "first_seen").
		interop("created_by_ref", "threat_actor_types", "roles", "sophistication", "resource_level",
			"primary_motivation").common(ClassSDO),

	// Source: stix-2.1 §4.18.
	fields("tool", "stix-2.1 §4.18",
		text("name").req(), text("description"), words("tool_types", toolTypes).since21(), texts("aliases").since21(),
		nested("kill_chain_phases", killChainPhase).many(), text("tool_version"),
	).interop("created_by_ref", "tool_types").common(ClassSDO),

	// Source: stix-2.1 §4.19.
	fields("vulnerability", "stix-2.1 §4.19",
		text("name").req(), text("description"),
	).interop("created_by_ref", "external_references").common(ClassSDO),
}

// domainNames are the types that no list of cyber-observables may name.
var domainNames = []string{
	"attack-pattern", "campaign", "course-of-action", "grouping", "identity", "incident", "indicator",
	"infrastructure", "intrusion-set", "location", "malware", "malware-analysis", "note", "observed-data", "opinion",
	"report", "threat-actor", "tool", "vulnerability", "event", "impact", "task", "bundle",
}

// notRelated are the types a relationship or sighting cannot be about.
var notRelated = []string{"relationship", "sighting", "bundle", "marking-definition", "language-content"}

// relationshipTypes are the 2 relationship objects. Source: stix-2.1 §5.
var relationshipTypes = []*shape{
	// Source: stix-2.1 §5.1.
	fields("relationship", "stix-2.1 §5.1",
		text("relationship_type").req(), text("description"), ref("source_ref").but(notRelated...).req(),
		ref("target_ref").but(notRelated...).req(), moment("start_time").since21(), moment("stop_time").since21(),
	).later("stop_time", "start_time").rule(checkRelationship).interop("created_by_ref").common(ClassSRO),

	// Source: stix-2.1 §5.2.
	fields("sighting", "stix-2.1 §5.2",
		text("description").since21(), moment("first_seen"), moment("last_seen"), integer("count").billions(),
		ref("sighting_of_ref").but(notRelated...).req(), refsTo("observed_data_refs", "observed-data"),
		refsTo("where_sighted_refs", "identity", "location"), flag("summary"),
	).notBefore("last_seen", "first_seen").
		interop("created_by_ref", "first_seen", "last_seen", "count").common(ClassSRO),
}

// metaTypes are the 3 meta objects and the bundle. Source: stix-2.1 §7, §8.
var metaTypes = []*shape{
	// Source: stix-2.1 §7.1.
	fields("language-content", "stix-2.1 §7.1",
		ref("object_ref").but("bundle", "language-content").req(), moment("object_modified"),
		of("contents", kindDict).req(),
	).common(ClassMeta),

	// Source: stix-2.1 §7.2.1.
	fields("marking-definition", "stix-2.1 §7.2.1",
		text("name").since21(), text("definition_type"), of("definition", kindAny),
	).need("definition", "definition_type").need("definition_type", "definition").rule(checkMarkingDefinition).
		with(map[string]*shape{TLP2Extension: tlp2Marking, PAPExtension: papMarking, IEPExtension: iepMarking}).
		common(ClassMeta),

	// Source: stix-2.1 §7.3.
	fields("extension-definition", "stix-2.1 §7.3",
		text("name").req(), text("description"), text("schema").req(), text("version").req(),
		words("extension_types", extensionTypes).req(), texts("extension_properties"),
	).rule(checkExtensionDefinition).common(ClassMeta),

	// Source: stix-2.1 §8.
	fields("bundle", "stix-2.1 §8", of("objects", kindObject).many()).common(ClassBundle),
}
