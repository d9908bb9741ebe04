/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that our encoders make, for tests/e2e/dissect: a conversation of requests and responses,
 * each a line "name hex", and below it, behind a tab, what tshark's dissector must read in it:
 * "field =number", ":bytes in hex" or "\"text" (the form of tests/unit/smbd/wire/captures.txt).
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "smbd/wire/break.h"
#include "smbd/wire/change_notify.h"
#include "smbd/wire/close.h"
#include "smbd/wire/create.h"
#include "smbd/wire/dtyp.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/error.h"
#include "smbd/wire/flush.h"
#include "smbd/wire/fscc/dir_info.h"
#include "smbd/wire/fscc/ea.h"
#include "smbd/wire/fscc/file_info.h"
#include "smbd/wire/fscc/fs_info.h"
#include "smbd/wire/fsctl.h"
#include "smbd/wire/header.h"
#include "smbd/wire/ioctl.h"
#include "smbd/wire/lock.h"
#include "smbd/wire/negotiate.h"
#include "smbd/wire/nttime.h"
#include "smbd/wire/query_info.h"
#include "smbd/wire/rdma.h"
#include "smbd/wire/session.h"
#include "smbd/wire/set_info.h"
#include "smbd/wire/tree.h"
#include "smbd/wire/utf16.h"
#include "smbd/wire/write.h"

#define BLOB(literal) WIRE_BLOB(literal, sizeof(literal) - 1)

static uint8_t bytes[8192];
static uint64_t message_id;

static const struct smb2_file_id file = {0x1122334455667788, 0x99aabbccddeeff00};
static const char file_hex[] =
	":8877665544332211"
	"00ffeeddccbbaa99";
static const struct guid key = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
static const char key_hex[] = ":0102030405060708090a0b0c0d0e0f10";

/* 2026-11-22 15:04:04.5976471 UTC and seconds after it */
#define WHEN(sec) (134398334445976471ull + (sec)*NTTIME_PER_SEC)

/* ---- a message and what is expected of it ---- */

static struct wr begin(enum smb2_command command, uint32_t flags, struct nt_status status)
{
	struct wr w = wr_init(bytes, sizeof(bytes));

	if (!(flags & SMB2_FLAGS_SERVER_TO_REDIR))
		message_id++;
	smb2_header_encode(&w, &(struct smb2_header){.credit_charge = 1,
						     .status = status,
						     .command = (uint16_t)command,
						     .credits = 33,
						     .flags = flags,
						     .message_id = message_id,
						     .process_id = 0xfeff,
						     .tree_id = 5,
						     .session_id = 0x0102030405060708});
	return w;
}

static struct wr request(enum smb2_command command)
{
	return begin(command, 0, STATUS_SUCCESS);
}

static struct wr response(enum smb2_command command)
{
	return begin(command, SMB2_FLAGS_SERVER_TO_REDIR, STATUS_SUCCESS);
}

static void emit(const char *name, const struct wr *w)
{
	if (!wr_ok(w)) {
		printf("%s does-not-fit\n", name);
		return;
	}
	printf("%s ", name);
	for (size_t i = 0; i < w->len; i++)
		printf("%02x", w->data[i]);
	printf("\n");
}

static void number(const char *field, uint64_t value)
{
	printf("\t%s =%llu\n", field, (unsigned long long)value);
}

static void text(const char *field, const char *value)
{
	printf("\t%s \"%s\n", field, value);
}

static void hex(const char *field, const char *value)
{
	printf("\t%s %s\n", field, value);
}

/* UTF-16LE in a buffer that lives until the next-but-three call. */
static struct wire_blob utf16(const char *utf8)
{
	static uint8_t ring[4][256];
	static unsigned next;
	struct wr w = wr_init(ring[next++ % 4], sizeof(ring[0]));

	wr_utf16(&w, utf8);
	return WIRE_BLOB(w.data, w.len);
}

/* ---- connection, session, tree ---- */

static const struct smb2_negotiate_contexts contexts = {
	.present = SMB2_HAS_PREAUTH_INTEGRITY | SMB2_HAS_ENCRYPTION | SMB2_HAS_COMPRESSION |
		   SMB2_HAS_TRANSPORT | SMB2_HAS_RDMA_TRANSFORM | SMB2_HAS_SIGNING |
		   SMB2_HAS_POSIX | SMB2_HAS_NETNAME,
	.hash_algorithms = {1, {SMB2_PREAUTH_INTEGRITY_SHA512}},
	.salt = {(const uint8_t *)"salt", 4},
	.ciphers = {2, {SMB2_ENCRYPTION_AES256_GCM, SMB2_ENCRYPTION_AES128_CCM}},
	.compression_algorithms = {2, {SMB2_COMPRESSION_PATTERN_V1, SMB2_COMPRESSION_LZ77}},
	.compression_flags = SMB2_COMPRESSION_CAPABILITIES_FLAG_CHAINED,
	.net_name = {(const uint8_t *)"h\0o\0", 4},
	.transport_flags = SMB2_ACCEPT_TRANSPORT_LEVEL_SECURITY,
	.rdma_transform_ids = {1, {SMB2_RDMA_TRANSFORM_SIGNING}},
	.signing_algorithms = {1, {SMB2_SIGNING_AES_GMAC}},
};

static void expect_contexts(void)
{
	number("smb2.negotiate_context.count", 8);
	number("smb2.negotiate_context.hash_algorithm", SMB2_PREAUTH_INTEGRITY_SHA512);
	hex("smb2.negotiate_context.salt", ":73616c74");
	number("smb2.negotiate_context.cipher_id", SMB2_ENCRYPTION_AES256_GCM);
	number("smb2.negotiate_context.cipher_id", SMB2_ENCRYPTION_AES128_CCM);
	number("smb2.negotiate_context.signing_id", SMB2_SIGNING_AES_GMAC);
	text("smb2.negotiate_context.netname", "ho");
}

static void negotiate(void)
{
	struct wr w = request(SMB2_NEGOTIATE);

	smb2_negotiate_request_encode(
		&w, &(struct smb2_negotiate_request){
			    .security_mode = SMB2_NEGOTIATE_SIGNING_REQUIRED,
			    .capabilities = SMB2_GLOBAL_CAP_LARGE_MTU | SMB2_GLOBAL_CAP_LEASING,
			    .client_guid = key,
			    .dialects = {3, {SMB2_DIALECT_210, SMB2_DIALECT_300, SMB2_DIALECT_311}},
			    .contexts = contexts});
	emit("negotiate_request", &w);
	number("smb2.cmd", 0);
	number("smb2.credits.requested", 33);
	number("smb2.sesid", 0x0102030405060708);
	number("smb2.sec_mode", 2);
	number("smb2.capabilities", 6);
	number("smb2.dialect", 0x0311);
	hex("smb2.client_guid", key_hex);
	expect_contexts();

	w = response(SMB2_NEGOTIATE);
	smb2_negotiate_response_encode(
		&w, &(struct smb2_negotiate_response){.security_mode = 1,
						      .dialect_revision = SMB2_DIALECT_311,
						      .server_guid = key,
						      .capabilities = 0x7f,
						      .max_transact_size = 1 << 20,
						      .max_read_size = 8 << 20,
						      .max_write_size = 4 << 20,
						      .system_time = WHEN(0),
						      .server_start_time = WHEN(1),
						      .contexts = contexts});
	emit("negotiate_response", &w);
	number("smb2.credits.granted", 33);
	number("smb2.dialect", 0x0311);
	hex("smb2.server_guid", key_hex);
	number("smb2.max_trans_size", 1 << 20);
	number("smb2.max_read_size", 8 << 20);
	number("smb2.max_write_size", 4 << 20);
	number("smb2.current_time", WHEN(0));
	number("smb2.boot_time", WHEN(1));
	expect_contexts();
}

static void session_and_tree(void)
{
	/* a NEGOTIATE_MESSAGE of NTLM, so that the dissector has nothing to say against it */
	struct wire_blob token = BLOB("NTLMSSP\0\1\0\0\0\7\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
	struct wr w = request(SMB2_SESSION_SETUP);

	smb2_session_setup_request_encode(
		&w, &(struct smb2_session_setup_request){.flags = SMB2_SESSION_FLAG_BINDING,
							 .security_mode = 1,
							 .security_buffer = token,
							 .previous_session_id = 77});
	emit("session_setup_request", &w);
	number("smb2.ses_req_flags", 1);
	number("smb2.previous_sesid", 77);
	number("smb2.olb.length", token.len);
	w = begin(SMB2_SESSION_SETUP, SMB2_FLAGS_SERVER_TO_REDIR, STATUS_MORE_PROCESSING_REQUIRED);
	smb2_session_setup_response_encode(
		&w, &(struct smb2_session_setup_response){.session_flags =
								  SMB2_SESSION_FLAG_ENCRYPT_DATA});
	emit("session_setup_response", &w);
	number("smb2.nt_status", 0xc0000016);
	number("smb2.session_flags", 4);

	w = request(SMB2_TREE_CONNECT);
	smb2_tree_connect_request_encode(
		&w, &(struct smb2_tree_connect_request){.path = utf16("\\\\srv\\share")});
	emit("tree_connect_request", &w);
	text("smb2.tree", "\\\\srv\\share");
	w = response(SMB2_TREE_CONNECT);
	smb2_tree_connect_response_encode(
		&w, &(struct smb2_tree_connect_response){
			    SMB2_SHARE_TYPE_DISK, SMB2_SHAREFLAG_ENCRYPT_DATA,
			    SMB2_SHARE_CAP_CONTINUOUS_AVAILABILITY, FILE_ALL_ACCESS});
	emit("tree_connect_response", &w);
	number("smb2.share_type", 1);
	number("smb2.share_flags", 0x8000);
	number("smb2.share_caps", 0x10);
	number("smb.access_mask", 0x1f01ff);
}

static void empties(void)
{
	static const enum smb2_command commands[] = {SMB2_LOGOFF, SMB2_TREE_DISCONNECT, SMB2_ECHO};
	struct wr w;

	for (unsigned i = 0; i < 3; i++) {
		w = request(commands[i]);
		smb2_empty_encode(&w);
		emit("empty_request", &w);
		number("smb2.cmd", commands[i]);
		w = response(commands[i]);
		smb2_empty_encode(&w);
		emit("empty_response", &w);
	}
}

/* ---- files ---- */

static void create_request(void)
{
	uint8_t ea_bytes[64], sd_bytes[64];
	struct wr ea = wr_init(ea_bytes, sizeof(ea_bytes)),
		  sd = wr_init(sd_bytes, sizeof(sd_bytes));
	struct wr w = request(SMB2_CREATE);
	size_t last = SIZE_MAX;

	file_full_ea_encode(&ea, &(struct file_full_ea){0, BLOB("NAME"), BLOB("value")}, &last);
	security_descriptor_encode(
		&sd, &(struct security_descriptor){.has_owner = true, .owner = sid_administrators});
	smb2_create_request_encode(
		&w, &(struct smb2_create_request){
			    .requested_oplock_level = SMB2_OPLOCK_LEVEL_LEASE,
			    .impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
			    .desired_access = FILE_GENERIC_READ,
			    .file_attributes = FILE_ATTRIBUTE_HIDDEN,
			    .share_access = FILE_SHARE_READ | FILE_SHARE_DELETE,
			    .create_disposition = FILE_OVERWRITE_IF,
			    .create_options = FILE_NON_DIRECTORY_FILE,
			    .name = utf16("dir\\näme"),
			    .contexts = {
				    .present = SMB2_CREATE_EA_BUFFER | SMB2_CREATE_SD_BUFFER |
					       SMB2_CREATE_ALLOCATION_SIZE |
					       SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST |
					       SMB2_CREATE_TIMEWARP_TOKEN |
					       SMB2_CREATE_QUERY_ON_DISK_ID |
					       SMB2_CREATE_REQUEST_LEASE |
					       SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2 |
					       SMB2_CREATE_APP_INSTANCE_ID | SMB2_CREATE_POSIX,
				    .ea_buffer = WIRE_BLOB(ea_bytes, ea.len),
				    .sd_buffer = WIRE_BLOB(sd_bytes, sd.len),
				    .allocation_size = 12345,
				    .timewarp_timestamp = WHEN(2),
				    .lease = {.version = 2,
					      .lease_key = key,
					      .lease_state = 7,
					      .lease_flags = SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET,
					      .parent_lease_key = key,
					      .epoch = 3},
				    .durable_v2 = {60000, SMB2_DHANDLE_FLAG_PERSISTENT, key},
				    .app_instance_id = key,
				    .posix_mode = 0640,
			    }});
	emit("create_request", &w);
	number("smb2.create.oplock", 255);
	number("smb2.impersonation.level", 2);
	number("smb.access_mask", 0x120089);
	number("smb2.file_attribute", 2);
	number("smb.share_access", 5);
	number("smb2.create.disposition", 5);
	number("smb.create_options", 0x40);
	text("smb2.filename", "dir\\näme");
	text("smb2.ea.name", "NAME");
	text("nt.sid", "S-1-5-32-544");
	number("smb2.allocation_size", 12345);
	number("smb2.twrp_timestamp", WHEN(2));
	hex("smb2.lease.lease_key", key_hex);
	number("smb2.lease.lease_state", 7);
	number("smb2.lease.lease_flags", 4);
	hex("smb2.lease.parent_lease_key", key_hex);
	number("smb2.lease.lease_oplock", 3);
	number("smb2.dh2x.timeout", 60000);
	number("smb2.dh2x.flags", 2);
	hex("smb2.dh2x.create_guid", key_hex);
	hex("smb2.app_instance.app_guid", key_hex);
}

static void create_response(void)
{
	struct wr w = response(SMB2_CREATE);

	smb2_create_response_encode(
		&w, &(struct smb2_create_response){
			    .oplock_level = SMB2_OPLOCK_LEVEL_LEASE,
			    .create_action = FILE_CREATED,
			    .creation_time = WHEN(0),
			    .last_access_time = WHEN(1),
			    .last_write_time = WHEN(2),
			    .change_time = WHEN(3),
			    .allocation_size = 4096,
			    .endof_file = 4095,
			    .file_attributes = FILE_ATTRIBUTE_ARCHIVE,
			    .file_id = file,
			    .contexts = {
				    .present = SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST |
					       SMB2_CREATE_QUERY_ON_DISK_ID |
					       SMB2_CREATE_REQUEST_LEASE |
					       SMB2_CREATE_DURABLE_HANDLE_REQUEST_V2,
				    .maximal_access = {STATUS_SUCCESS, FILE_ALL_ACCESS},
				    .disk_id = {1, 2},
				    .lease = {.version = 1, .lease_key = key, .lease_state = 1},
				    .durable_v2 = {30000, 0},
			    }});
	emit("create_response", &w);
	number("smb2.create.oplock", 255);
	number("smb2.create.action", FILE_CREATED);
	number("smb2.create.time", WHEN(0));
	number("smb2.last_access.time", WHEN(1));
	number("smb2.last_write.time", WHEN(2));
	number("smb2.last_change.time", WHEN(3));
	number("smb2.allocation_size", 4096);
	number("smb2.eof", 4095);
	number("smb2.file_attribute", 32);
	hex("smb2.fid", file_hex);
	number("smb2.mxac_status", 0);
	number("smb.access_mask", 0x1f01ff);
	number("smb2.lease.lease_state", 1);
	number("smb2.dh2x.timeout", 30000);
}

static void reconnect(void)
{
	struct wr w = request(SMB2_CREATE);

	smb2_create_request_encode(
		&w, &(struct smb2_create_request){
			    .name = utf16("x"),
			    .contexts = {.present = SMB2_CREATE_DURABLE_HANDLE_RECONNECT_V2,
					 .durable_reconnect_v2 = {file, key, 0}}});
	emit("create_request_reconnect", &w);
	hex("smb2.fid", file_hex);
	hex("smb2.dh2x.create_guid", key_hex);
	w = begin(SMB2_CREATE, SMB2_FLAGS_SERVER_TO_REDIR, STATUS_OBJECT_NAME_NOT_FOUND);
	smb2_error_response_encode(&w, &(struct smb2_error_response){0});
	emit("error_response", &w);
	number("smb2.nt_status", 0xc0000034);
	number("smb2.error.byte_count", 0);
}

static void close_and_flush(void)
{
	struct wr w = request(SMB2_FLUSH);

	smb2_flush_request_encode(&w, &(struct smb2_flush_request){file});
	emit("flush_request", &w);
	hex("smb2.fid", file_hex);
	w = response(SMB2_FLUSH);
	smb2_empty_encode(&w);
	emit("flush_response", &w);
	w = request(SMB2_CLOSE);
	smb2_close_request_encode(
		&w, &(struct smb2_close_request){SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB, file});
	emit("close_request", &w);
	number("smb2.close.flags", 1);
	hex("smb2.fid", file_hex);
	w = response(SMB2_CLOSE);
	smb2_close_response_encode(&w, &(struct smb2_close_response){1, WHEN(0), WHEN(1), WHEN(2),
								     WHEN(3), 8192, 8000, 0x20});
	emit("close_response", &w);
	number("smb2.create.time", WHEN(0));
	number("smb2.last_change.time", WHEN(3));
	number("smb2.allocation_size", 8192);
	number("smb2.eof", 8000);
}

static void read_and_write(void)
{
	struct wr w = request(SMB2_READ);

	smb2_read_request_encode(&w, &(struct smb2_read_request){.length = 65536,
								 .offset = 1ull << 33,
								 .file_id = file,
								 .minimum_count = 1,
								 .remaining_bytes = 9});
	emit("read_request", &w);
	number("smb2.read_length", 65536);
	number("smb2.file_offset", 1ull << 33);
	number("smb2.min_count", 1);
	number("smb2.remaining_bytes", 9);
	hex("smb2.fid", file_hex);
	w = response(SMB2_READ);
	smb2_read_response_encode(&w, &(struct smb2_read_response){.data = BLOB("payload")});
	emit("read_response", &w);
	number("smb2.olb.offset", 80);
	number("smb2.olb.length", 7);

	w = request(SMB2_WRITE);
	smb2_write_request_encode(
		&w, &(struct smb2_write_request){.length = 5,
						 .offset = 4096,
						 .file_id = file,
						 .flags = SMB2_WRITEFLAG_WRITE_THROUGH});
	wr_bytes(&w, "bytes", 5);
	emit("write_request", &w);
	number("smb2.data_offset", 112);
	number("smb2.write_length", 5);
	number("smb2.file_offset", 4096);
	number("smb2.write.flags", 1);
	hex("data.data", ":6279746573");
	w = response(SMB2_WRITE);
	smb2_write_response_encode(&w, &(struct smb2_write_response){.count = 5});
	emit("write_response", &w);
	number("smb2.write.count", 5);
}

static void write_by_rdma(void)
{
	uint8_t info[32];
	struct wr d = wr_init(info, sizeof(info)), w = request(SMB2_WRITE);

	smb2_buffer_descriptor_encode(&d, &(struct smb2_buffer_descriptor){0x1000, 0xabcd, 65536});
	smb2_write_request_encode(
		&w, &(struct smb2_write_request){.file_id = file,
						 .channel = SMB2_CHANNEL_RDMA_V1,
						 .remaining_bytes = 65536,
						 .write_channel_info = WIRE_BLOB(info, d.len)});
	emit("write_request_rdma", &w);
	number("smb2.channel", 1);
	number("smb2.remaining_bytes", 65536);
	number("smb2.buffer_descriptor.offset", 0x1000);
	number("smb2.buffer_descriptor.token", 0xabcd);
	number("smb2.buffer_descriptor.length", 65536);
}

static void lock(void)
{
	const struct smb2_lock_element elements[] = {{100, 10, SMB2_LOCKFLAG_EXCLUSIVE_LOCK},
						     {200, 20, SMB2_LOCKFLAG_UNLOCK}};
	struct wr w = request(SMB2_LOCK);

	smb2_lock_request_encode(&w, &(struct smb2_lock_request){.lock_count = 2, .file_id = file},
				 elements);
	emit("lock_request", &w);
	number("smb2.lock_count", 2);
	number("smb2.file_offset", 100);
	number("smb2.lock_length", 10);
	number("smb2.lock_flags", 2);
	number("smb2.file_offset", 200);
	number("smb2.lock_flags", 4);
}

/* ---- queries ---- */

static void query(uint8_t type, uint8_t class, const char *name)
{
	struct wr w = request(SMB2_QUERY_INFO);

	smb2_query_info_request_encode(
		&w, &(struct smb2_query_info_request){.info_type = type,
						      .file_info_class = class,
						      .output_buffer_length = 65536,
						      .file_id = file});
	emit(name, &w);
	number("smb2.class", type);
	number("smb2.max_response_size", 65536);
	hex("smb2.fid", file_hex);
}

/* A response of one buffer that holds p. */
static void answer(enum smb2_command command, const char *name, const struct wr *p)
{
	struct wr w = response(command);

	smb2_buffer_response_encode(&w, &(struct smb2_buffer_response){WIRE_BLOB(p->data, p->len)});
	emit(name, &w);
	number("smb2.olb.offset", 72);
	number("smb2.olb.length", p->len);
}

static void query_file_info(void)
{
	static uint8_t payload[1024];
	struct wr p = wr_init(payload, sizeof(payload));
	const struct file_all_info all = {
		.basic = {WHEN(0), WHEN(1), WHEN(2), WHEN(3), FILE_ATTRIBUTE_ARCHIVE},
		.standard = {4096, 4000, 2, true, false},
		.index_number = 99,
		.ea_size = 7,
		.access_flags = 0x120089,
		.current_byte_offset = 11,
		.mode = 2,
		.file_name = utf16("\\a\\b"),
	};

	query(SMB2_0_INFO_FILE, FileAllInformation, "query_all_request");
	file_all_info_encode(&p, &all);
	answer(SMB2_QUERY_INFO, "query_all_response", &p);
	number("smb2.create.time", WHEN(0));
	number("smb2.last_access.time", WHEN(1));
	number("smb2.allocation_size", 4096);
	number("smb2.eof", 4000);
	number("smb2.nlinks", 2);
	number("smb2.delete_pending", 1);
	number("smb2.file_id", 99);
	number("smb2.ea_size", 7);
	number("smb.access_mask", 0x120089);
	number("smb2.position_info", 11ull << 56); /* tshark 4.0 reads this one big-endian */
	number("smb2.mode_info", 2);
	text("smb2.filename", "\\a\\b");
}

static void query_streams(void)
{
	static uint8_t payload[1024];
	struct wr p = wr_init(payload, sizeof(payload));
	size_t last = SIZE_MAX;

	query(SMB2_0_INFO_FILE, FileStreamInformation, "query_streams_request");
	file_stream_info_encode(&p, &(struct file_stream_info){5, 8, utf16("::$DATA")}, &last);
	file_stream_info_encode(&p, &(struct file_stream_info){6, 16, utf16(":s:$DATA")}, &last);
	answer(SMB2_QUERY_INFO, "query_streams_response", &p);
	text("smb.stream_name", "::$DATA");
	text("smb.stream_name", ":s:$DATA");
	number("smb.stream_size", 6);
	number("smb.alloc_size64", 16);
}

static void query_fs_info(void)
{
	static uint8_t payload[1024];
	struct wr p = wr_init(payload, sizeof(payload));

	query(SMB2_0_INFO_FILESYSTEM, FileFsFullSizeInformation, "query_full_size_request");
	fs_full_size_info_encode(&p, &(struct fs_full_size_info){1000, 400, 500, 8, 512});
	answer(SMB2_QUERY_INFO, "query_full_size_response", &p);
	number("smb.alloc_size64", 1000);
	number("smb.caller_free_alloc_units", 400);
	number("smb.actual_free_alloc_units", 500);
	number("smb.fs_sector_per_unit", 8);
	number("smb.fs_bytes_per_sector", 512);

	p = wr_init(payload, sizeof(payload));
	query(SMB2_0_INFO_FILESYSTEM, FileFsAttributeInformation, "query_attribute_request");
	fs_attribute_info_encode(&p, &(struct fs_attribute_info){0x0002006f, 255, utf16("NTFS")});
	answer(SMB2_QUERY_INFO, "query_attribute_response", &p);
	number("smb.fs_attr", 0x0002006f);
	number("smb.fs_max_name_len", 255);
	text("smb.fs_name", "NTFS");
}

static void query_security(void)
{
	static uint8_t payload[256], aces[64];
	struct wr p = wr_init(payload, sizeof(payload)), a = wr_init(aces, sizeof(aces));

	ace_encode(&a, &(struct ace){.type = ACCESS_DENIED_ACE_TYPE,
				     .flags = CONTAINER_INHERIT_ACE,
				     .mask = DELETE,
				     .sid = sid_users});
	query(SMB2_0_INFO_SECURITY, 0, "query_security_request");
	security_descriptor_encode(&p, &(struct security_descriptor){
					       .has_owner = true,
					       .has_group = true,
					       .has_dacl = true,
					       .owner = sid_administrators,
					       .group = sid_system,
					       .dacl = {ACL_REVISION, 1, WIRE_BLOB(aces, a.len)}});
	answer(SMB2_QUERY_INFO, "query_security_response", &p);
	number("nt.sec_desc.type", 0x8004);
	text("nt.sid", "S-1-5-32-544");
	text("nt.sid", "S-1-5-18");
	text("nt.sid", "S-1-5-32-545");
	number("nt.ace.type", 1);
	number("nt.ace.flags", 2);
	number("nt.access_mask", DELETE);
}

static void list(uint8_t class, const char *ask, const char *told)
{
	static uint8_t payload[1024];
	struct wr p = wr_init(payload, sizeof(payload)), w = request(SMB2_QUERY_DIRECTORY);
	struct dir_info e = {.creation_time = WHEN(0),
			     .last_access_time = WHEN(1),
			     .last_write_time = WHEN(2),
			     .change_time = WHEN(3),
			     .end_of_file = 1234,
			     .allocation_size = 4096,
			     .file_attributes = FILE_ATTRIBUTE_ARCHIVE,
			     .ea_size = 6,
			     .file_id = 0x123456789,
			     .file_name = utf16("first")};
	size_t last = SIZE_MAX;

	smb2_query_directory_request_encode(
		&w, &(struct smb2_query_directory_request){.file_information_class = class,
							   .flags = SMB2_RESTART_SCANS,
							   .file_id = file,
							   .file_name = utf16("*"),
							   .output_buffer_length = 1024});
	emit(ask, &w);
	number("smb2.find.infolevel", class);
	number("smb2.find.flags", 1);
	text("smb2.find.pattern", "*");
	number("smb2.output_buffer_len", 1024);
	dir_info_encode(&p, class, &e, &last);
	e.file_name = utf16("second name");
	dir_info_encode(&p, class, &e, &last);
	answer(SMB2_QUERY_DIRECTORY, told, &p);
	text("smb2.filename", "first");
	text("smb2.filename", "second name");
	if (class == FileNamesInformation)
		return;
	number("smb2.create.time", WHEN(0));
	number("smb2.last_change.time", WHEN(3));
	number("smb2.eof", 1234);
	number("smb2.allocation_size", 4096);
	number("smb2.file_attribute", 32);
	if (class == FileIdBothDirectoryInformation || class == FileIdFullDirectoryInformation) {
		number("smb2.ea_size", 6);
		number("smb2.file_id", 0x123456789);
	}
}

static void set_info(void)
{
	static uint8_t payload[256];
	struct wr p = wr_init(payload, sizeof(payload)), w = request(SMB2_SET_INFO);

	file_rename_info_encode(&p, false,
				&(struct file_rename_info){FILE_RENAME_REPLACE_IF_EXISTS, 0,
							   utf16("new\\name.txt")});
	smb2_set_info_request_encode(
		&w, &(struct smb2_set_info_request){.info_type = SMB2_0_INFO_FILE,
						    .file_info_class = FileRenameInformation,
						    .buffer = WIRE_BLOB(payload, p.len),
						    .file_id = file});
	emit("set_info_rename_request", &w);
	number("smb2.setinfo_size", p.len);
	number("smb2.rename.replace_if", 1);
	text("smb2.filename", "new\\name.txt");
	w = response(SMB2_SET_INFO);
	smb2_set_info_response_encode(&w);
	emit("set_info_response", &w);
	number("smb2.cmd", SMB2_SET_INFO);
}

static void notify(void)
{
	static uint8_t payload[256];
	struct wr p = wr_init(payload, sizeof(payload)), w = request(SMB2_CHANGE_NOTIFY);
	size_t last = SIZE_MAX;

	smb2_change_notify_request_encode(
		&w, &(struct smb2_change_notify_request){SMB2_WATCH_TREE, 4096, file, 0x17});
	emit("change_notify_request", &w);
	number("smb2.notify.flags", 1);
	number("smb.nt.notify.completion_filter", 0x17);
	file_notify_information_encode(
		&p, &(struct file_notify_information){FILE_ACTION_RENAMED_OLD_NAME, utf16("old")},
		&last);
	file_notify_information_encode(
		&p, &(struct file_notify_information){FILE_ACTION_RENAMED_NEW_NAME, utf16("new")},
		&last);
	answer(SMB2_CHANGE_NOTIFY, "change_notify_response", &p);
	number("smb2.notify.action", 4);
	number("smb2.notify.action", 5);
	text("smb2.filename", "old");
	text("smb2.filename", "new");
}

/* ---- IOCTL ---- */

static void ioctl_ask(uint32_t code, const struct wr *p, const char *name)
{
	struct wr w = request(SMB2_IOCTL);

	smb2_ioctl_request_encode(&w,
				  &(struct smb2_ioctl_request){.ctl_code = code,
							       .file_id = file,
							       .input = WIRE_BLOB(p->data, p->len),
							       .max_output_response = 4096,
							       .flags = SMB2_0_IOCTL_IS_FSCTL});
	emit(name, &w);
	number("smb2.ioctl.function", code);
	number("smb2.max_ioctl_out_size", 4096);
	number("smb2.ioctl.flags", 1);
}

static void ioctl_tell(uint32_t code, const struct wr *p, const char *name)
{
	struct wr w = response(SMB2_IOCTL);

	smb2_ioctl_response_encode(
		&w, &(struct smb2_ioctl_response){.ctl_code = code,
						  .file_id = file,
						  .output = WIRE_BLOB(p->data, p->len)});
	emit(name, &w);
	number("smb2.ioctl.function", code);
	hex("smb2.fid", file_hex);
}

static void interfaces(void)
{
	static uint8_t payload[512];
	struct wr p = wr_init(payload, 0);
	struct sockaddr_in in4 = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct fsctl_network_interface i = {
		3, FSCTL_NETWORK_INTERFACE_RSS_CAPABLE, 10000000000, {0}};
	size_t last = SIZE_MAX;

	ioctl_ask(FSCTL_QUERY_NETWORK_INTERFACE_INFO, &p, "interfaces_request");
	p = wr_init(payload, sizeof(payload));
	inet_pton(AF_INET, "192.0.2.7", &in4.sin_addr);
	inet_pton(AF_INET6, "2001:db8::7", &in6.sin6_addr);
	memcpy(&i.address, &in4, sizeof(in4));
	fsctl_network_interface_encode(&p, &i, &last);
	memcpy(&i.address, &in6, sizeof(in6));
	fsctl_network_interface_encode(&p, &i, &last);
	ioctl_tell(FSCTL_QUERY_NETWORK_INTERFACE_INFO, &p, "interfaces_response");
	number("smb2.ioctl.network_interfaces.index", 3);
	number("smb2.ioctl.network_interfaces.capabilities", 1);
	number("smb2.ioctl.network_interfaces.link_speed", 10000000000);
	text("smb2.windows.sockaddr.in.addr", "192.0.2.7");
	text("smb2.windows.sockaddr.in6.addr", "2001:db8::7");
}

static void copychunk(void)
{
	static uint8_t payload[512];
	struct wr p = wr_init(payload, sizeof(payload));
	const struct fsctl_copychunk chunk = {4096, 8192, 1000};

	fsctl_copychunk_request_encode(&p, &(struct fsctl_copychunk_request){.chunk_count = 1},
				       &chunk);
	ioctl_ask(FSCTL_SRV_COPYCHUNK_WRITE, &p, "copychunk_request");
	number("smb2.fsctl.cchunk.count", 1);
	number("smb2.fsctl.cchunk.src_offset", 4096);
	number("smb2.fsctl.cchunk.dst_offset", 8192);
	number("smb2.fsctl.cchunk.xfer_len", 1000);
	p = wr_init(payload, sizeof(payload));
	fsctl_copychunk_response_encode(&p, &(struct fsctl_copychunk_response){1, 0, 1000});
	ioctl_tell(FSCTL_SRV_COPYCHUNK_WRITE, &p, "copychunk_response");
	number("smb2.fsctl.cchunk.chunks_written", 1);
	number("smb2.fsctl.cchunk.total_written", 1000);
}

static void validate_negotiate(void)
{
	static uint8_t payload[512];
	struct wr p = wr_init(payload, sizeof(payload));

	fsctl_validate_negotiate_request_encode(
		&p, &(struct fsctl_validate_negotiate_request){
			    0x7f, key, 1, {2, {SMB2_DIALECT_210, SMB2_DIALECT_302}}});
	ioctl_ask(FSCTL_VALIDATE_NEGOTIATE_INFO, &p, "validate_negotiate_request");
	hex("smb2.client_guid", key_hex);
	number("smb2.capabilities", 0x7f);
	number("smb2.dialect", 0x0302);
	p = wr_init(payload, sizeof(payload));
	fsctl_validate_negotiate_response_encode(
		&p, &(struct fsctl_validate_negotiate_response){0x7f, key, 1, SMB2_DIALECT_302});
	ioctl_tell(FSCTL_VALIDATE_NEGOTIATE_INFO, &p, "validate_negotiate_response");
	hex("smb2.server_guid", key_hex);
	number("smb2.dialect", 0x0302);
}

/* ---- breaks and errors ---- */

static void breaks(void)
{
	struct wr w;

	message_id = SMB2_MESSAGE_ID_UNSOLICITED;
	w = response(SMB2_OPLOCK_BREAK);
	smb2_oplock_break_encode(&w, &(struct smb2_oplock_break){SMB2_OPLOCK_LEVEL_II, file});
	emit("oplock_break", &w);
	number("smb2.create.oplock", 1);
	hex("smb2.fid", file_hex);
	w = response(SMB2_OPLOCK_BREAK);
	smb2_lease_break_notification_encode(
		&w, &(struct smb2_lease_break_notification){
			    9, SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED, key, 7, 1});
	emit("lease_break", &w);
	number("smb2.lease.lease_flags", 1);
	hex("smb2.lease.lease_key", key_hex);
	number("smb2.lease.lease_state", 7);
	number("smb2.lease.lease_state", 1);
	message_id = 1000;
	w = request(SMB2_OPLOCK_BREAK);
	smb2_lease_break_ack_encode(
		&w, &(struct smb2_lease_break_ack){.lease_key = key, .lease_state = 1});
	emit("lease_break_ack", &w);
	hex("smb2.lease.lease_key", key_hex);
	number("smb2.lease.lease_state", 1);
}

static void symlink_error(void)
{
	uint8_t data[128], wrapped[160];
	struct wr d = wr_init(data, sizeof(data)), x = wr_init(wrapped, sizeof(wrapped)), w;

	w = request(SMB2_CREATE);
	smb2_create_request_encode(&w, &(struct smb2_create_request){.name = utf16("link\\rest")});
	emit("create_request_plain", &w);
	text("smb2.filename", "link\\rest");
	smb2_symlink_error_encode(&d, &(struct smb2_symlink_error){10, SYMLINK_FLAG_RELATIVE,
								   utf16("sub"), utf16("print")});
	smb2_error_context_encode(
		&x, &(struct smb2_error_context){SMB2_ERROR_ID_DEFAULT, WIRE_BLOB(data, d.len)});
	w = begin(SMB2_CREATE, SMB2_FLAGS_SERVER_TO_REDIR, STATUS_STOPPED_ON_SYMLINK);
	smb2_error_response_encode(&w, &(struct smb2_error_response){1, WIRE_BLOB(wrapped, x.len)});
	emit("error_symlink", &w);
	number("smb2.error.context_count", 1);
	text("smb2.symlink.substitute_name", "sub");
	text("smb2.symlink.print_name", "print");
	number("smb2.symlink.flags", 1);
}

static void headers(void)
{
	struct wr w = wr_init(bytes, sizeof(bytes));

	smb2_transform_header_encode(
		&w, &(struct smb2_transform_header){.nonce = {1, 2, 3},
						    .original_message_size = 100,
						    .flags = SMB2_TRANSFORM_FLAG_ENCRYPTED,
						    .session_id = 0x0807060504030201});
	wr_zero(&w, 100);
	emit("transform_header", &w);
	number("smb2.header.transform.msg_size", 100);
	number("smb2.header.transform.flags", 1);
	number("smb2.sesid", 0x0807060504030201);
	hex("smb2.header.transform.nonce", ":01020300000000000000000000000000");
}

int main(void)
{
	negotiate();
	session_and_tree();
	create_request();
	create_response();
	reconnect();
	read_and_write();
	write_by_rdma();
	lock();
	query_file_info();
	query_streams();
	query_fs_info();
	query_security();
	list(FileDirectoryInformation, "list_1_request", "list_1_response");
	list(FileFullDirectoryInformation, "list_2_request", "list_2_response");
	list(FileBothDirectoryInformation, "list_3_request", "list_3_response");
	list(FileNamesInformation, "list_12_request", "list_12_response");
	list(FileIdBothDirectoryInformation, "list_37_request", "list_37_response");
	list(FileIdFullDirectoryInformation, "list_38_request", "list_38_response");
	set_info();
	notify();
	interfaces();
	copychunk();
	validate_negotiate();
	symlink_error();
	close_and_flush();
	breaks();
	headers();
	empties();
	return 0;
}
