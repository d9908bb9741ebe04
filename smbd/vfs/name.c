/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/vfs/name.h"

#include <pthread.h>
#include <string.h>

#include <talloc.h>
#include <unicase.h>

/* The private use units that stand for what the other side cannot say; see name.h. */
#define UNIT_CONTROL_FIRST 0xf001u
#define UNIT_CONTROL_LAST  0xf01fu
#define UNIT_RESERVED      0xf020u
#define UNIT_LAST_SPACE    0xf028u
#define UNIT_LAST_DOT      0xf029u
#define UNIT_BYTE_FIRST    0xf780u
#define UNIT_BYTE_LAST     0xf7ffu

static const char reserved[] = "\"*:<>?\\|";

static bool unit_is_ours(uint32_t unit)
{
	return (unit >= UNIT_CONTROL_FIRST && unit <= UNIT_LAST_DOT) ||
	       (unit >= UNIT_BYTE_FIRST && unit <= UNIT_BYTE_LAST);
}

static bool is_high(uint32_t unit)
{
	return unit >> 10 == 0xd800 >> 10;
}

static bool is_low(uint32_t unit)
{
	return unit >> 10 == 0xdc00 >> 10;
}

static uint16_t unit_at(const uint8_t *wire, size_t i)
{
	return (uint16_t)(wire[2 * i] | wire[2 * i + 1] << 8);
}

/* ---- disk -> wire ---- */

/* Decode one UTF-8 sequence (WTF-8: surrogates are allowed). Its length, or 0 if it is none. */
static size_t utf8_get(const uint8_t *s, size_t len, uint32_t *cp)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n;

	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	n = (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : (s[0] & 0xf8) == 0xf0 ? 4 : 0;
	if (!n || n > len)
		return 0;
	*cp = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (s[i] & 0x3fu);
	}
	return *cp >= least[n] && *cp <= 0x10ffff ? n : 0;
}

/* How many bytes at s stand for themselves as *cp; 0: they are escaped one by one. */
static size_t disk_get(const uint8_t *s, size_t len, uint32_t *cp)
{
	size_t n = utf8_get(s, len, cp);
	uint32_t after;

	if (!n || unit_is_ours(*cp))
		return 0;
	/* two WTF-8 halves would come back as one UTF-8 sequence */
	if (is_high(*cp) && n < len && utf8_get(s + n, len - n, &after) && is_low(after))
		return 0;
	return n;
}

static uint32_t unit_for_ascii(uint32_t c, bool last)
{
	const char *r = c ? strchr(reserved, (int)c) : NULL;

	if (c >= 1 && c <= 0x1f)
		return UNIT_CONTROL_FIRST - 1 + c;
	if (r)
		return UNIT_RESERVED + (uint32_t)(r - reserved);
	if (last && c == ' ')
		return UNIT_LAST_SPACE;
	if (last && c == '.')
		return UNIT_LAST_DOT;
	return c;
}

struct units {
	uint8_t *dst;
	size_t cap;
	size_t len;
};

static void unit_put(struct units *u, uint32_t unit)
{
	if (u->len + 2 <= u->cap) {
		u->dst[u->len] = (uint8_t)unit;
		u->dst[u->len + 1] = (uint8_t)(unit >> 8);
	}
	u->len += 2;
}

static void component_put(struct units *u, const uint8_t *s, size_t len)
{
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n) {
		n = disk_get(s + i, len - i, &cp);
		if (!n) {
			n = 1;
			unit_put(u, UNIT_BYTE_FIRST + (s[i] & 0x7fu));
		} else if (cp >= 0x10000) {
			unit_put(u, 0xd800 + ((cp - 0x10000) >> 10));
			unit_put(u, 0xdc00 + (cp & 0x3ff));
		} else {
			unit_put(u, cp < 0x80 ? unit_for_ascii(cp, i + 1 == len) : cp);
		}
	}
}

size_t name_to_wire(const char *disk, size_t len, uint8_t *dst, size_t cap)
{
	struct units u = {.dst = dst, .cap = cap};

	component_put(&u, (const uint8_t *)disk, len);
	return u.len;
}

size_t name_path_to_wire(const char *path, uint8_t *dst, size_t cap)
{
	struct units u = {.dst = dst, .cap = cap};

	while (*path) {
		size_t n = strcspn(path, "/");

		component_put(&u, (const uint8_t *)path, n);
		path += n;
		if (*path) {
			unit_put(&u, '\\');
			path++;
		}
	}
	return u.len;
}

/* ---- wire -> disk ---- */

static size_t utf8_put(char *dst, uint32_t cp)
{
	uint8_t *d = (uint8_t *)dst;

	if (cp < 0x80) {
		d[0] = (uint8_t)cp;
		return 1;
	}
	if (cp < 0x800) {
		d[0] = (uint8_t)(0xc0 | cp >> 6);
		d[1] = (uint8_t)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		d[0] = (uint8_t)(0xe0 | cp >> 12);
		d[1] = (uint8_t)(0x80 | (cp >> 6 & 0x3f));
		d[2] = (uint8_t)(0x80 | (cp & 0x3f));
		return 3;
	}
	d[0] = (uint8_t)(0xf0 | cp >> 18);
	d[1] = (uint8_t)(0x80 | (cp >> 12 & 0x3f));
	d[2] = (uint8_t)(0x80 | (cp >> 6 & 0x3f));
	d[3] = (uint8_t)(0x80 | (cp & 0x3f));
	return 4;
}

/* One of our private use units -> its byte on disk; -1: not in this place. */
static int byte_for_unit(uint32_t unit, bool last)
{
	if (unit >= UNIT_BYTE_FIRST)
		return (int)(unit - UNIT_BYTE_FIRST + 0x80);
	if (unit <= UNIT_CONTROL_LAST)
		return (int)(unit - UNIT_CONTROL_FIRST + 1);
	if (unit < UNIT_LAST_SPACE)
		return reserved[unit - UNIT_RESERVED];
	if (!last)
		return -1;
	return unit == UNIT_LAST_DOT ? '.' : ' ';
}

/* Bytes that were escaped must need it: else the name is a second one of another file. */
static bool is_canonical(const uint8_t *wire, size_t units, const char *disk, size_t len)
{
	uint8_t back[NAME_DISK_MAX * 2];
	uint16_t last = unit_at(wire, units - 1);
	size_t n = name_to_wire(disk, len, back, sizeof(back));

	if (n != 2 * units)
		return false;
	if (last == '.' || last == ' ')
		units--;
	return memcmp(back, wire, 2 * units) == 0;
}

static bool is_dots(const char *disk, size_t len)
{
	return (len == 1 && disk[0] == '.') || (len == 2 && disk[0] == '.' && disk[1] == '.');
}

/* in_stream: [MS-FSCC] 2.1.5.3 forbids only NUL and the separators in a stream's name. */
static bool unit_is_forbidden(uint32_t unit, bool in_stream)
{
	if (unit == 0 || unit == '/' || unit == '\\' || unit == ':')
		return true;
	if (in_stream)
		return false;
	return unit < 0x20 || (unit < 0x80 && strchr(reserved, (int)unit));
}

/* dst has room for 3 bytes a unit, and NUL. */
static struct nt_status component_get(const uint8_t *wire, size_t units, bool in_stream, char *dst,
				      size_t *len)
{
	bool escaped = false;
	size_t n = 0;

	if (units == 0 || units > NAME_COMPONENT_UNITS)
		return STATUS_OBJECT_NAME_INVALID;
	for (size_t i = 0; i < units; i++) {
		uint32_t unit = unit_at(wire, i);

		if (unit_is_forbidden(unit, in_stream))
			return STATUS_OBJECT_NAME_INVALID;
		if (unit_is_ours(unit) && !in_stream) {
			int byte = byte_for_unit(unit, i + 1 == units);

			if (byte < 0)
				return STATUS_OBJECT_NAME_INVALID;
			dst[n++] = (char)byte;
			escaped = true;
			continue;
		}
		if (is_high(unit) && i + 1 < units && is_low(unit_at(wire, i + 1))) {
			i++;
			unit = 0x10000 + ((unit & 0x3ff) << 10) + (unit_at(wire, i) & 0x3ffu);
		}
		n += utf8_put(dst + n, unit);
	}
	dst[n] = '\0';
	if (is_dots(dst, n) || (escaped && !in_stream && !is_canonical(wire, units, dst, n)))
		return STATUS_OBJECT_NAME_INVALID;
	*len = n;
	return STATUS_SUCCESS;
}

struct nt_status name_component(const uint8_t *wire, size_t wire_len, char *dst, size_t *len)
{
	size_t n = 0;
	struct nt_status status;

	if (wire_len % 2)
		return STATUS_INVALID_PARAMETER;
	status = component_get(wire, wire_len / 2, false, dst, &n);
	if (len)
		*len = n;
	return status;
}

/* The next unit that is `c`, from i; `end` if none. */
static size_t find_unit(const uint8_t *wire, size_t i, size_t end, uint16_t c)
{
	while (i < end && unit_at(wire, i) != c)
		i++;
	return i;
}

static bool unit_range_is(const uint8_t *wire, size_t start, size_t end, const char *ascii)
{
	if (end - start != strlen(ascii))
		return false;
	for (size_t i = start; i < end; i++)
		if (name_upcase(unit_at(wire, i)) != (uint8_t)ascii[i - start])
			return false;
	return true;
}

/* What is between start and end follows the first colon: name[:type]. */
static struct nt_status stream_get(struct name *name, const uint8_t *wire, size_t start, size_t end)
{
	size_t colon = find_unit(wire, start, end, ':');
	struct nt_status status;
	size_t len;

	if (colon == end) {
		name->stream_type = NAME_STREAM_DATA;
	} else if (unit_range_is(wire, colon + 1, end, "$DATA")) {
		name->stream_type = NAME_STREAM_DATA;
	} else if (unit_range_is(wire, colon + 1, end, "$INDEX_ALLOCATION")) {
		name->stream_type = NAME_STREAM_INDEX_ALLOCATION;
		if (unit_range_is(wire, start, colon, "$I30"))
			start = colon; /* the name of a directory's own index */
	} else {
		return STATUS_OBJECT_NAME_INVALID;
	}
	if (colon == start) /* unnamed; only good with a type after it */
		return colon == end ? STATUS_OBJECT_NAME_INVALID : STATUS_SUCCESS;
	if (colon - start > NAME_COMPONENT_UNITS)
		return STATUS_OBJECT_NAME_INVALID;
	name->stream = talloc_size(name, 3 * (colon - start) + 1);
	if (!name->stream)
		return STATUS_NO_MEMORY;
	status = component_get(wire + 2 * start, colon - start, true, name->stream, &len);
	return status;
}

/* One component of the path, and the stream if it is the last. */
static struct nt_status path_add(struct name *name, const uint8_t *wire, size_t start, size_t end,
				 bool last)
{
	size_t colon = find_unit(wire, start, end, ':');
	struct nt_status status;
	size_t n;

	if (end - start == 2 && unit_at(wire, start) == '.' && unit_at(wire, start + 1) == '.')
		return STATUS_OBJECT_PATH_SYNTAX_BAD;
	if (colon < end && !last)
		return STATUS_OBJECT_NAME_INVALID;
	if (colon > start || name->depth || colon == end) { /* ":s" is a stream of the root */
		if (name->depth)
			name->path[name->len++] = '/';
		status = component_get(wire + 2 * start, colon - start, false,
				       name->path + name->len, &n);
		if (nt_error(status))
			return status;
		name->len += n;
		name->depth++;
	}
	return colon < end ? stream_get(name, wire, colon + 1, end) : STATUS_SUCCESS;
}

static struct nt_status parse_into(struct name *name, const uint8_t *wire, size_t units)
{
	struct nt_status status = STATUS_SUCCESS;

	if (units && unit_at(wire, units - 1) == '\\') {
		name->trailing_slash = true;
		units--;
	}
	for (size_t start = 0, end; start < units; start = end + 1) {
		end = find_unit(wire, start, units, '\\');
		status = path_add(name, wire, start, end, end == units);
		if (nt_error(status))
			return status;
		if (end + 1 == units) /* two at the end: an empty last component */
			return STATUS_OBJECT_NAME_INVALID;
	}
	name->path[name->len] = '\0';
	return status;
}

struct nt_status name_parse(void *talloc_ctx, const uint8_t *wire, size_t len, struct name **out)
{
	size_t units = len / 2;
	struct nt_status status;
	struct name *name;

	if (len % 2 || units > NAME_PATH_UNITS)
		return STATUS_INVALID_PARAMETER;
	if (units && unit_at(wire, 0) == '\\')
		return STATUS_INVALID_PARAMETER; /* [MS-SMB2] 3.3.5.9 */
	name = talloc_zero(talloc_ctx, struct name);
	if (!name)
		return STATUS_NO_MEMORY;
	name->path = talloc_size(name, 3 * units + 1);
	name->stream = talloc_strdup(name, "");
	if (!name->path || !name->stream) {
		talloc_free(name);
		return STATUS_NO_MEMORY;
	}
	status = parse_into(name, wire, units);
	if (nt_error(status)) {
		talloc_free(name);
		return status;
	}
	*out = name;
	return status;
}

const char *name_leaf(const char *path, size_t *parent_len)
{
	const char *slash = strrchr(path, '/');

	if (parent_len)
		*parent_len = slash ? (size_t)(slash - path) : 0;
	return slash ? slash + 1 : path;
}

/* ---- case ---- */

static uint16_t upcase[0x10000];
static pthread_once_t upcase_once = PTHREAD_ONCE_INIT;

static void upcase_build(void)
{
	for (uint32_t u = 0; u < 0x10000; u++) {
		ucs4_t up = (is_high(u) || is_low(u)) ? u : uc_toupper(u);

		upcase[u] = (uint16_t)(up > 0xffff || (u >= 0x80 && up < 0x80) ? u : up);
	}
}

uint16_t name_upcase(uint16_t unit)
{
	if (unit < 0x80)
		return unit >= 'a' && unit <= 'z' ? (uint16_t)(unit - 0x20) : unit;
	pthread_once(&upcase_once, upcase_build);
	return upcase[unit];
}

static size_t fold(const char *disk, size_t len, uint8_t *units)
{
	size_t n = name_to_wire(disk, len, units, 2 * NAME_DISK_MAX);

	if (n > 2 * NAME_DISK_MAX)
		n = 2 * NAME_DISK_MAX;
	for (size_t i = 0; i < n; i += 2) {
		uint16_t up = name_upcase((uint16_t)(units[i] | units[i + 1] << 8));

		units[i] = (uint8_t)up;
		units[i + 1] = (uint8_t)(up >> 8);
	}
	return n;
}

uint64_t name_fold_hash(const char *disk, size_t len)
{
	uint8_t units[2 * NAME_DISK_MAX];
	size_t n = fold(disk, len, units);
	uint64_t h = 0xcbf29ce484222325ull; /* FNV-1a; the table that uses it bounds its chains */

	for (size_t i = 0; i < n; i++)
		h = (h ^ units[i]) * 0x100000001b3ull;
	return h ^ h >> 32;
}

bool name_fold_equal(const char *a, size_t a_len, const char *b, size_t b_len)
{
	uint8_t a_units[2 * NAME_DISK_MAX], b_units[2 * NAME_DISK_MAX];
	size_t n = fold(a, a_len, a_units);

	return n == fold(b, b_len, b_units) && memcmp(a_units, b_units, n) == 0;
}
