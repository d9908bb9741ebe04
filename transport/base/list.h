/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intrusive doubly linked list. Hides nothing: a head is a node that points to itself.
 * Thread: none of its own; the owner of the head serialises. Ownership: a node belongs to the
 * object that embeds it. A node off every list is self-linked, so list_del() is idempotent.
 */
#ifndef TRANSPORT_BASE_LIST_H
#define TRANSPORT_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
	struct list_node *next;
	struct list_node *prev;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list_node *n)
{
	n->next = n;
	n->prev = n;
}

static inline bool list_empty(const struct list_node *head)
{
	return head->next == head;
}

static inline void list_insert_between(struct list_node *n, struct list_node *prev,
				       struct list_node *next)
{
	n->prev = prev;
	n->next = next;
	prev->next = n;
	next->prev = n;
}

/* Append at the tail: with list_pop() this is a FIFO. */
static inline void list_push(struct list_node *head, struct list_node *n)
{
	list_insert_between(n, head->prev, head);
}

static inline void list_push_front(struct list_node *head, struct list_node *n)
{
	list_insert_between(n, head, head->next);
}

static inline void list_del(struct list_node *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

static inline struct list_node *list_first(const struct list_node *head)
{
	return list_empty(head) ? NULL : head->next;
}

/* Remove and return the first node; NULL when empty. */
static inline struct list_node *list_pop(struct list_node *head)
{
	struct list_node *n = list_first(head);

	if (n)
		list_del(n);
	return n;
}

/* Move all of `from` to the tail of `to`. */
static inline void list_splice(struct list_node *to, struct list_node *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define list_for_each(n, head) for (struct list_node *n = (head)->next; n != (head); n = n->next)

/* The body may delete n, and nothing else. */
#define list_for_each_safe(n, head)                                                \
	for (struct list_node *n = (head)->next, *n##_next = n->next; n != (head); \
	     n = n##_next, n##_next = n->next)

#endif
