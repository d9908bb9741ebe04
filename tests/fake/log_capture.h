/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the log says while a test runs: standard error goes to a file in memory from begin() to
 * end(). Thread: the test's; the lines may come from any.
 */
#ifndef TESTS_FAKE_LOG_CAPTURE_H
#define TESTS_FAKE_LOG_CAPTURE_H

void log_capture_begin(void);
/* Gives standard error back, with what was said. */
void log_capture_end(void);

/* In how many places the text has been said. */
unsigned log_capture_count(const char *text);
#endif
