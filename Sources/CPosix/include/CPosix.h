// System calls that the C library only declares under _GNU_SOURCE, which Swift's view of it lacks.
//
// No header is included here: a struct of the C library that this module saw first would belong to
// it, and a Swift file that uses `timespec` would have to import CPosix on one machine and not on
// another.
#ifndef MEMORYD_CPOSIX_H
#define MEMORYD_CPOSIX_H

// Accepts a connection that no child inherits and that never blocks; -1 with errno.
int memoryd_accept(int descriptor);

// Keeps a process of many threads from keeping what each of them once needed: by default every
// thread has a heap of its own, and a large block that was freed once makes all later ones as large
// stay in them.
void memoryd_bound_heap(void);

// For a process that ends soon: memory that it frees stays with it, as to give pages back and ask for them
// again costs more than what is done with them.
void memoryd_keep_heap(void);

// Microseconds of a clock that nobody sets.
long long memoryd_monotonic(void);

// Runs a function on a thread of its own with so many bytes of stack; -1 with errno.
int memoryd_start_thread(long stack, void (*body)(void *), void *context);

// 1 for the first who asks in this process, 0 for all others.
int memoryd_claim(void);

// Microseconds since 1970, by the clock that people set.
long long memoryd_wall_clock(void);

// Makes what was written to a file durable, and its length; -1 with errno. Also for a file that is open
// for reading only.
int memoryd_sync_data(int descriptor);

// Takes room on the disk behind the end of a file, which stays where it is; -1 with errno. 0 where the
// file system knows no such thing.
int memoryd_reserve(int descriptor, long long bytes);

// Gives unused memory back to the system.
void memoryd_trim_heap(void);

/// Of a process that reads what others wrote: bytes of memory that it may take for itself, and seconds of
/// work, after which it ends, also when nobody is left to end it. Only on Linux.
void memoryd_bound_process(int process, long long memory, long long seconds);

// A pipe that no other child inherits; -1 with errno.
int memoryd_pipe(int ends[2]);

// The user at the other end of a Unix socket; -1 where the system does not tell.
long memoryd_peer_user(int descriptor);

// When a folder was made, in ns since 1970; 0 where the file system does not tell.
long long memoryd_birth(const char *path);

// A file without a name that outlives execve; -1 with errno.
int memoryd_nameless_file(void);

#endif
