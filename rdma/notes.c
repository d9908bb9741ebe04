/* SPDX-License-Identifier: Apache-2.0 */
#include "rdma/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct note *notes_find(struct notes *notes, const char *name)
{
	for (unsigned i = 0; i < NOTES_MAX; i++) {
		if (strcmp(notes->notes[i].name, name) == 0)
			return &notes->notes[i];
	}
	return NULL;
}

void notes_say(struct notes *notes, const char *name, enum log_level level, const char *fmt, ...)
{
	struct note *note = notes_find(notes, name);
	char text[sizeof(note->text)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (note && strcmp(note->text, text) == 0) {
		note->said = true;
		return;
	}
	log_at(level, "%s: %s", name, text);
	if (!note)
		note = notes_find(notes, "");
	if (!note) /* so many are not kept: said again next time */
		return;
	snprintf(note->name, sizeof(note->name), "%s", name);
	snprintf(note->text, sizeof(note->text), "%s", text);
	note->said = true;
}

void notes_begin(struct notes *notes)
{
	for (unsigned i = 0; i < NOTES_MAX; i++)
		notes->notes[i].said = false;
}

void notes_end(struct notes *notes)
{
	for (unsigned i = 0; i < NOTES_MAX; i++) {
		if (!notes->notes[i].said)
			notes->notes[i].name[0] = '\0';
	}
}
