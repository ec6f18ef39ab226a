package stix

// observableTypes are the 18 cyber-observables. Source: stix-2.1 §6.
var observableTypes = []*shape{
	// Source: stix-2.1 §6.1.
	fields("artifact", "stix-2.1 §6.1",
		text("mime_type"), of("payload_bin", kindBinary), text("url"), hashes("hashes"),
		word("encryption_algorithm", encryptionAlgorithms), text("decryption_key"),
	).someOf("payload_bin", "url").bar("payload_bin", "url").need("url", "hashes").
		need("decryption_key", "encryption_algorithm").common(ClassSCO),

	// Source: stix-2.1 §6.2.
	fields("autonomous-system", "stix-2.1 §6.2",
		integer("number").req(), text("name"), text("rir"),
	).common(ClassSCO),

	// Source: stix-2.1 §6.3.
	fields("directory", "stix-2.1 §6.3",
		text("path").req(), text("path_enc"), moment("ctime"), moment("mtime"), moment("atime"),
		refsTo("contains_refs", "file", "directory"),
	).common(ClassSCO),

	// Source: stix-2.1 §6.4.
	fields("domain-name", "stix-2.1 §6.4",
		text("value").req(), refsTo("resolves_to_refs", "ipv4-addr", "ipv6-addr", "domain-name").dropped(),
	).common(ClassSCO),

	// Source: stix-2.1 §6.5.
	fields("email-addr", "stix-2.1 §6.5",
		text("value").req(), text("display_name"), ref("belongs_to_ref", "user-account"),
	).common(ClassSCO),

	// Source: stix-2.1 §6.6.
	fields("email-message", "stix-2.1 §6.6",
		flag("is_multipart").req(), moment("date"), text("content_type"), ref("from_ref", "email-addr"),
		ref("sender_ref", "email-addr"), refsTo("to_refs", "email-addr"), refsTo("cc_refs", "email-addr"),
		refsTo("bcc_refs", "email-addr"), text("message_id"), text("subject"), texts("received_lines"),
		of("additional_header_fields", kindDict), text("body"), nested("body_multipart", mimePart).many(),
		ref("raw_email_ref", "artifact"),
	).bar("body", "body_multipart").rule(checkEmailMessage).common(ClassSCO),

	// Source: stix-2.1 §6.7.
	fields("file", "stix-2.1 §6.7",
		hashes("hashes"), integer("size").natural(), text("name"), text("name_enc"), hexa("magic_number_hex"),
		text("mime_type"), moment("ctime"), moment("mtime"), moment("atime"),
		ref("parent_directory_ref", "directory"), refsTo("contains_refs").but(domainNames...),
		ref("content_ref", "artifact"),
	).someOf("hashes", "name").need("name_enc", "name").with(fileExtensions).common(ClassSCO),

	// Source: stix-2.1 §6.8.
	fields("ipv4-addr", "stix-2.1 §6.8",
		text("value").req(), refsTo("resolves_to_refs", "mac-addr").dropped(),
		refsTo("belongs_to_refs", "autonomous-system").dropped(),
	).rule(checkAddress).common(ClassSCO),

	// Source: stix-2.1 §6.9.
	fields("ipv6-addr", "stix-2.1 §6.9",
		text("value").req(), refsTo("resolves_to_refs", "mac-addr").dropped(),
		refsTo("belongs_to_refs", "autonomous-system").dropped(),
	).rule(checkAddress).common(ClassSCO),

	// Source: stix-2.1 §6.10.
	fields("mac-addr", "stix-2.1 §6.10", text("value").req()).rule(checkMAC).common(ClassSCO),

	// Source: stix-2.1 §6.11.
	fields("mutex", "stix-2.1 §6.11", text("name").req()).common(ClassSCO),

	// Source: stix-2.1 §6.12.
	fields("network-traffic", "stix-2.1 §6.12",
		moment("start"), moment("end"), flag("is_active"), ref("src_ref", hosts...), ref("dst_ref", hosts...),
		integer("src_port").port(), integer("dst_port").port(), texts("protocols").req(),
		integer("src_byte_count").natural(), integer("dst_byte_count").natural(), integer("src_packets").natural(),
		integer("dst_packets").natural(), of("ipfix", kindScalars), ref("src_payload_ref", "artifact"),
		ref("dst_payload_ref", "artifact"), refsTo("encapsulates_refs", "network-traffic"),
		ref("encapsulated_by_ref", "network-traffic"),
	).someOf("src_ref", "dst_ref").notBefore("end", "start").with(trafficExtensions).rule(checkTraffic).
		common(ClassSCO),

	// Source: stix-2.1 §6.13.
	fields("process", "stix-2.1 §6.13",
		flag("is_hidden"), integer("pid"), moment("created_time"), text("cwd"), text("command_line"),
		of("environment_variables", kindTexts), refsTo("opened_connection_refs", "network-traffic"),
		ref("creator_user_ref", "user-account"), ref("image_ref", "file"), ref("parent_ref", "process"),
		refsTo("child_refs", "process"),
	).someOwn().with(processExtensions).common(ClassSCO).orExtension(),

	// Source: stix-2.1 §6.14.
	fields("software", "stix-2.1 §6.14",
		text("name").req(), text("cpe"), text("swid"), texts("languages"), text("vendor"), text("version"),
	).rule(checkSoftware).common(ClassSCO),

	// Source: stix-2.1 §6.15.
	fields("url", "stix-2.1 §6.15", text("value").req()).common(ClassSCO),

	// Source: stix-2.1 §6.16.
	fields("user-account", "stix-2.1 §6.16",
		text("user_id"), text("credential"), text("account_login"), word("account_type", accountTypes),
		text("display_name"), flag("is_service_account"), flag("is_privileged"), flag("can_escalate_privs"),
		flag("is_disabled"), moment("account_created"), moment("account_expires"),
		moment("credential_last_changed"), moment("account_first_login"), moment("account_last_login"),
	).someOwn().with(accountExtensions).common(ClassSCO).orExtension(),

	// Source: stix-2.1 §6.17.
	fields("windows-registry-key", "stix-2.1 §6.17",
		text("key"), nested("values", registryValue).many(), moment("modified_time"),
		ref("creator_user_ref", "user-account"), integer("number_of_subkeys"),
	).someOwn().rule(checkRegistryKey).common(ClassSCO),

	// Source: stix-2.1 §6.18.
	fields("x509-certificate", "stix-2.1 §6.18",
		flag("is_self_signed"), hashes("hashes"), text("version"), text("serial_number"), text("signature_algorithm"),
		text("issuer"), moment("validity_not_before"), moment("validity_not_after"), text("subject"),
		text("subject_public_key_algorithm"), text("subject_public_key_modulus"),
		integer("subject_public_key_exponent"), nested("x509_v3_extensions", x509Extensions),
	).someOwn().common(ClassSCO),
}

// orExtension lets the extensions stand for a property of the object's own.
func (s *shape) orExtension() *shape {
	s.some |= s.index["extensions"].bit
	return s
}

// hosts are the ends a piece of network traffic can have.
var hosts = []string{"ipv4-addr", "ipv6-addr", "mac-addr", "domain-name"}

// Nested types of the cyber-observables.
var (
	// Source: stix-2.1 §6.6.2.
	mimePart = fields("mime-part-type", "stix-2.1 §6.6.2",
		text("body"), ref("body_raw_ref", "artifact", "file"), text("content_type"), text("content_disposition"),
	).someOf("body", "body_raw_ref").bar("body", "body_raw_ref").done()

	// Source: stix-2.1 §6.7.3.
	dataStream = fields("alternate-data-stream-type", "stix-2.1 §6.7.3",
		text("name").req(), hashes("hashes"), integer("size").natural()).done()

	// Source: stix-2.1 §6.7.6.
	optionalHeader = fields("windows-pe-optional-header-type", "stix-2.1 §6.7.6",
		hexa("magic_hex"), integer("major_linker_version"), integer("minor_linker_version"),
		integer("size_of_code").natural(), integer("size_of_initialized_data").natural(),
		integer("size_of_uninitialized_data").natural(), integer("address_of_entry_point"), integer("base_of_code"),
		integer("base_of_data"), integer("image_base"), integer("section_alignment"), integer("file_alignment"),
		integer("major_os_version"), integer("minor_os_version"), integer("major_image_version"),
		integer("minor_image_version"), integer("major_subsystem_version"), integer("minor_subsystem_version"),
		hexa("win32_version_value_hex"), integer("size_of_image").natural(), integer("size_of_headers").natural(),
		hexa("checksum_hex"), hexa("subsystem_hex"), hexa("dll_characteristics_hex"),
		integer("size_of_stack_reserve").natural(), integer("size_of_stack_commit").natural(),
		integer("size_of_heap_reserve").natural(), integer("size_of_heap_commit").natural(),
		hexa("loader_flags_hex"), integer("number_of_rva_and_sizes"), hashes("hashes"),
	).someOwn().done()

	// Source: stix-2.1 §6.7.6.
	peSection = fields("windows-pe-section-type", "stix-2.1 §6.7.6",
		text("name").req(), integer("size").natural(), number("entropy"), hashes("hashes")).done()

	// Source: stix-2.1 §6.17.2.
	registryValue = fields("windows-registry-value-type", "stix-2.1 §6.17.2",
		text("name"), text("data"), word("data_type", registryDatatypes)).someOwn().done()

	// Source: stix-2.1 §6.18.2.
	x509Extensions = fields("x509-v3-extensions-type", "stix-2.1 §6.18.2",
		text("basic_constraints"), text("name_constraints"), text("policy_constraints"), text("key_usage"),
		text("extended_key_usage"), text("subject_key_identifier"), text("authority_key_identifier"),
		text("subject_alternative_name"), text("issuer_alternative_name"), text("subject_directory_attributes"),
		text("crl_distribution_points"), text("inhibit_any_policy"), moment("private_key_usage_period_not_before"),
		moment("private_key_usage_period_not_after"), text("certificate_policies"), text("policy_mappings"),
	).someOwn().done()
)

// Source: stix-2.1 §6.7.
var fileExtensions = map[string]*shape{
	"archive-ext": fields("archive-ext", "stix-2.1 §6.7.2",
		refsTo("contains_refs", "file", "directory").req(), text("comment")).done(),
	"ntfs-ext": fields("ntfs-ext", "stix-2.1 §6.7.3",
		text("sid"), nested("alternate_data_streams", dataStream).many()).someOwn().done(),
	"pdf-ext": fields("pdf-ext", "stix-2.1 §6.7.4",
		text("version"), flag("is_optimized"), of("document_info_dict", kindTexts), text("pdfid0"), text("pdfid1"),
	).someOwn().done(),
	"raster-image-ext": fields("raster-image-ext", "stix-2.1 §6.7.5",
		integer("image_height"), integer("image_width"), integer("bits_per_pixel"), of("exif_tags", kindScalars),
	).someOwn().done(),
	"windows-pebinary-ext": fields("windows-pebinary-ext", "stix-2.1 §6.7.6",
		word("pe_type", binaryTypes).req(), text("imphash"), hexa("machine_hex"),
		integer("number_of_sections").natural(), of("time_date_stamp", kindSecond),
		hexa("pointer_to_symbol_table_hex"), integer("number_of_symbols").natural(),
		integer("size_of_optional_header").natural(), hexa("characteristics_hex"), hashes("file_header_hashes"),
		nested("optional_header", optionalHeader), nested("sections", peSection).many(),
	).someOwn().done(),
}

// Source: stix-2.1 §6.12.
var trafficExtensions = map[string]*shape{
	"http-request-ext": fields("http-request-ext", "stix-2.1 §6.12.2",
		text("request_method").req(), text("request_value").req(), text("request_version"),
		of("request_header", kindTextLists), integer("message_body_length"),
		ref("message_body_data_ref", "artifact")).done(),
	"icmp-ext": fields("icmp-ext", "stix-2.1 §6.12.3",
		hexa("icmp_type_hex").req(), hexa("icmp_code_hex").req()).done(),
	"socket-ext": fields("socket-ext", "stix-2.1 §6.12.4",
		word("address_family", addressFamilies).req(), flag("is_blocking"), flag("is_listening"),
		of("options", kindDict), word("socket_type", socketTypes), integer("socket_descriptor").natural(),
		integer("socket_handle")).done(),
	"tcp-ext": fields("tcp-ext", "stix-2.1 §6.12.5",
		hexa("src_flags_hex"), hexa("dst_flags_hex")).someOwn().done(),
}

// Source: stix-2.1 §6.13.
var processExtensions = map[string]*shape{
	"windows-process-ext": fields("windows-process-ext", "stix-2.1 §6.13.2",
		flag("aslr_enabled"), flag("dep_enabled"), text("priority"), text("owner_sid"), text("window_title"), text("windows_title"),
		of("startup_info", kindDict), word("integrity_level", integrityLevels)).someOwn().done(),
	"windows-service-ext": fields("windows-service-ext", "stix-2.1 §6.13.3",
		text("service_name"), texts("descriptions"), text("display_name"), text("group_name"),
		word("start_type", serviceStartTypes), refsTo("service_dll_refs", "file"), word("service_type", serviceTypes),
		word("service_status", serviceStatuses)).someOwn().done(),
}

// Source: stix-2.1 §6.16.2.
var accountExtensions = map[string]*shape{
	"unix-account-ext": fields("unix-account-ext", "stix-2.1 §6.16.2",
		integer("gid"), texts("groups"), text("home_dir"), text("shell")).someOwn().done(),
}
