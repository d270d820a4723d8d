/* Records from slabs, pieces by classes of their size.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "producer_store.h"

#define SLAB_ITEMS 64

struct weir_slab {
    weir_slab *next;
    weir_item items[SLAB_ITEMS];
};

void weir_store_init(weir_store *store, const weir_mem *mem, size_t most_bytes) {
    memset(store, 0, sizeof *store);
    store->mem = *mem;
    store->most_bytes = most_bytes;
}

static size_t size_of_class(unsigned class) { return (size_t)WEIR_LEAST_PIECE << class; }

static bool free_piece(weir_store *store, unsigned class) {
    weir_piece *piece = store->pieces[class];
    if (piece == NULL) {
        return false;
    }
    store->pieces[class] = piece->next;
    store->bytes -= size_of_class(class);
    weir_mem_free(&store->mem, piece, size_of_class(class));
    return true;
}

void weir_store_free(weir_store *store) {
    for (unsigned class = 0; class < WEIR_PIECES; class ++) {
        while (free_piece(store, class)) {
        }
    }
    while (store->slabs != NULL) {
        weir_slab *slab = store->slabs;
        for (size_t i = 0; i < SLAB_ITEMS; i++) {
            const weir_item *item = &slab->items[i];
            weir_mem_free(&store->mem, item->bytes, size_of_class(item->size_class));
        }
        store->slabs = slab->next;
        weir_mem_free(&store->mem, slab, sizeof *slab);
    }
    store->free = NULL;
}

static bool add_slab(weir_store *store) {
    weir_slab *slab = weir_mem_resize(&store->mem, NULL, 0, sizeof *slab);
    if (slab == NULL) {
        return false;
    }
    slab->next = store->slabs;
    store->slabs = slab;
    for (size_t i = SLAB_ITEMS; i-- > 0;) {
        slab->items[i].bytes = NULL;
        slab->items[i].size_class = 0;
        slab->items[i].next = store->free;
        store->free = &slab->items[i];
    }
    return true;
}

weir_item *weir_store_item(weir_store *store) {
    if (store->free == NULL && !add_slab(store)) {
        return NULL;
    }
    weir_item *item = store->free;
    store->free = item->next;
    memset(item, 0, sizeof *item);
    return item;
}

static unsigned class_of(size_t size) {
    unsigned class = 0;
    while (class < WEIR_PIECES && size_of_class(class) < size) {
        class ++;
    }
    return class;
}

size_t weir_store_piece_size(size_t size) {
    unsigned class = class_of(size);
    return class < WEIR_PIECES ? size_of_class(class) : SIZE_MAX;
}

/* Free pieces of other classes make way for one of `size`. */
static bool make_way(weir_store *store, size_t size) {
    for (unsigned class = WEIR_PIECES; class -- > 0;) {
        while (size > store->most_bytes - store->bytes && free_piece(store, class)) {
        }
    }
    return size <= store->most_bytes - store->bytes;
}

weir_status weir_store_bytes(weir_store *store, weir_item *item, size_t size) {
    unsigned class = class_of(size);
    if (class == WEIR_PIECES) {
        return WEIR_ERR_FULL;
    }
    weir_piece *piece = store->pieces[class];
    if (piece != NULL) {
        store->pieces[class] = piece->next;
    } else {
        size_t whole = size_of_class(class);
        if (whole > store->most_bytes - store->bytes && !make_way(store, whole)) {
            return WEIR_ERR_FULL;
        }
        piece = weir_mem_resize(&store->mem, NULL, 0, whole);
        if (piece == NULL) {
            return WEIR_ERR_NOMEM;
        }
        store->bytes += whole;
    }
    store->used += size_of_class(class);
    item->bytes = (char *)piece;
    item->size_class = (uint8_t) class;
    return WEIR_OK;
}

void weir_store_give_back(weir_store *store, weir_item *item) {
    if (item->bytes != NULL) {
        weir_piece *piece = (weir_piece *)(void *)item->bytes;
        piece->next = store->pieces[item->size_class];
        store->pieces[item->size_class] = piece;
        store->used -= size_of_class(item->size_class);
        item->bytes = NULL;
    }
    item->next = store->free;
    store->free = item;
}
