/* weir: a client for Redis and Valkey Streams. This header brings all of it.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_H
#define WEIR_H

#include "net/tls.h"
#include "net/transport.h"
#include "resp/base.h"
#include "resp/command.h"
#include "resp/prepared.h"
#include "resp/reader.h"
#include "stream/client.h"
#include "stream/commands.h"
#include "stream/consumer.h"
#include "stream/entry.h"
#include "stream/follow.h"
#include "stream/health.h"
#include "stream/id.h"
#include "stream/producer.h"
#include "stream/server.h"
#include "stream/watch.h"

#endif
