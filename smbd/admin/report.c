/* SPDX-License-Identifier: Apache-2.0 */
#include "smbd/admin/report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "smbd/admin/json.h"

enum part { SERVER, SESSIONS, CHANNELS, RDMA, DEVICES, OPENS, PARTS };

/* The parts grow side by side, since the source tells them in any order. */
struct admin_report {
	struct {
		FILE *out;
		char *text;
		size_t len;
		unsigned count;
	} part[PARTS];
	unsigned opens_left_out;
};

static void report_free(struct admin_report *report)
{
	for (unsigned i = 0; i < PARTS; i++) {
		if (report->part[i].out)
			fclose(report->part[i].out);
		free(report->part[i].text);
	}
	free(report);
}

struct admin_report *report_begin(void)
{
	struct admin_report *report = calloc(1, sizeof(*report));

	for (unsigned i = 0; report && i < PARTS; i++) {
		report->part[i].out = open_memstream(&report->part[i].text, &report->part[i].len);
		if (!report->part[i].out) {
			report_free(report);
			return NULL;
		}
	}
	return report;
}

static FILE *next_in(struct admin_report *report, enum part part)
{
	if (report->part[part].count++)
		fputc(',', report->part[part].out);
	return report->part[part].out;
}

static void put_number(FILE *out, const char *name, uint64_t v)
{
	fprintf(out, ",\"%s\":%" PRIu64, name, v);
}

static void put_text(FILE *out, const char *name, const char *s)
{
	fprintf(out, ",\"%s\":", name);
	json_put_string(out, s ? s : "");
}

void admin_report_server(struct admin_report *report, const struct admin_server *s)
{
	FILE *out = report->part[SERVER].out;

	if (report->part[SERVER].count++)
		return;
	fprintf(out, "{\"uptime_sec\":%" PRIu64, s->uptime_sec);
	put_number(out, "connections", s->connections);
	put_number(out, "sessions", s->sessions);
	put_number(out, "trees", s->trees);
	put_number(out, "opens", s->opens);
	put_number(out, "buffer_bytes", s->buffers_total);
	put_number(out, "buffer_bytes_used", s->buffers_used);
	put_number(out, "buffer_waits", s->buffer_waits);
	fputc('}', out);
}

void admin_report_session(struct admin_report *report, const struct admin_session *s)
{
	FILE *out = next_in(report, SESSIONS);

	fprintf(out, "{\"id\":%" PRIu64, s->id);
	put_text(out, "user", s->user);
	put_text(out, "client", s->client);
	put_number(out, "dialect", s->dialect);
	fprintf(out, ",\"signing\":%s,\"encryption\":%s", s->signing ? "true" : "false",
		s->encryption ? "true" : "false");
	put_number(out, "trees", s->trees);
	put_number(out, "opens", s->opens);
	put_number(out, "age_sec", s->age_sec);
	fputc('}', out);
}

void admin_report_channel(struct admin_report *report, const struct admin_channel *c)
{
	FILE *out = next_in(report, CHANNELS);

	fprintf(out, "{\"session_id\":%" PRIu64, c->session_id);
	put_text(out, "transport", c->transport);
	put_text(out, "device", c->device);
	put_text(out, "local", c->local);
	put_text(out, "peer", c->peer);
	put_text(out, "state", c->state);
	put_number(out, "bits_per_sec", c->bits_per_sec);
	put_number(out, "reactor", c->reactor);
	put_number(out, "send_credits", c->send_credits);
	put_number(out, "receive_credits", c->receive_credits);
	put_number(out, "msgs_in", c->msgs_in);
	put_number(out, "msgs_out", c->msgs_out);
	put_number(out, "bytes_in", c->bytes_in);
	put_number(out, "bytes_out", c->bytes_out);
	put_number(out, "bytes_pulled", c->bytes_pulled);
	put_number(out, "bytes_pushed", c->bytes_pushed);
	put_number(out, "invalidations", c->invalidations);
	fputc('}', out);
}

void admin_report_rdma(struct admin_report *report, const struct admin_rdma *r)
{
	FILE *out = report->part[RDMA].out;

	if (report->part[RDMA].count++)
		return;
	fprintf(out, "{\"enabled\":%s", r->enabled ? "true" : "false");
	put_text(out, "why", r->why);
	put_number(out, "addresses", r->addresses);
	put_number(out, "accepted", r->accepted);
	put_number(out, "refused", r->refused);
	put_number(out, "failed", r->failed);
	put_number(out, "ended", r->ended);
	put_number(out, "ended_bytes_in", r->bytes_in);
	put_number(out, "ended_bytes_out", r->bytes_out);
	put_number(out, "ended_bytes_pulled", r->bytes_pulled);
	put_number(out, "ended_bytes_pushed", r->bytes_pushed);
	put_number(out, "ended_invalidations", r->invalidations);
	fputc('}', out);
}

void admin_report_device(struct admin_report *report, const struct admin_device *d)
{
	FILE *out = next_in(report, DEVICES);

	fputs("{\"name\":", out);
	json_put_string(out, d->name ? d->name : "");
	put_text(out, "kind", d->kind);
	put_text(out, "note", d->note);
	put_number(out, "bits_per_sec", d->bits_per_sec);
	put_number(out, "addresses", d->addresses);
	put_number(out, "channels", d->channels);
	put_number(out, "registrations", d->registrations);
	put_number(out, "errors", d->errors);
	put_number(out, "rnr", d->rnr);
	fputc('}', out);
}

void admin_report_open(struct admin_report *report, const struct admin_open *o)
{
	FILE *out;

	if (report->part[OPENS].count == REPORT_OPENS_MAX) {
		report->opens_left_out++;
		return;
	}
	out = next_in(report, OPENS);
	fprintf(out, "{\"session_id\":%" PRIu64, o->session_id);
	put_text(out, "share", o->share);
	put_text(out, "path", o->path);
	put_number(out, "access", o->access);
	fputc('}', out);
}

bool report_end(struct admin_report *report, FILE *out)
{
	bool ok = true;

	for (unsigned i = 0; i < PARTS; i++) {
		ok &= fclose(report->part[i].out) == 0;
		report->part[i].out = NULL;
	}
	if (ok) {
		fprintf(out, ",\"server\":%s,\"sessions\":[%s],\"channels\":[%s],\"opens\":[%s]",
			report->part[SERVER].count ? report->part[SERVER].text : "{}",
			report->part[SESSIONS].text, report->part[CHANNELS].text,
			report->part[OPENS].text);
		fprintf(out, ",\"rdma\":%s,\"devices\":[%s]",
			report->part[RDMA].count ? report->part[RDMA].text : "{}",
			report->part[DEVICES].text);
		put_number(out, "opens_left_out", report->opens_left_out);
	}
	report_free(report);
	return ok;
}
