#ifndef CZOOKEEPER_SHIM_H
#define CZOOKEEPER_SHIM_H

// The multi-threaded build of the client (libzookeeper_mt) is declared under this name.
#define THREADED
#include <zookeeper/zookeeper.h>

#endif
