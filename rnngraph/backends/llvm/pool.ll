; The threads of the process: made when first needed, asleep between calls.
;
;   void enter(ptr entry, ptr table, i64 steps, i64 rows, i64 parts)
;   void reset()
;   void meet(...)        an entry that only waits: a probe for what that costs
;
; `enter` runs entry(table, steps, rows, part, parts, control) in up to `parts` threads, the
; caller's among them as part 0, and returns when all are done. Sleeping workers are claimed,
; missing ones made; if the system gives fewer, there are fewer parts. Any number of callers may
; enter at once: each claims workers of its own. A worker that has no job sleeps on its condition
; and costs nothing.
;
; control, in words: 0 table, 1 steps, 2 rows, 3 parts (0 until known), 4 entry, 5 workers done;
; from word 16 on a line of 16 words for each member, whose first counts the barriers it reached and
; whose second is for the core that it runs on (see `cores.ll`).

%Worker = type { i64, i64, i64, ptr, i64, [11 x i64], [16 x i64], [16 x i64], [16 x i64] }
; claimed, made, posted, control, part, -, mutex, condition, -

@workers = internal global [255 x %Worker] zeroinitializer, align 128

declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)
declare i32 @pthread_mutex_init(ptr, ptr)
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_init(ptr, ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_signal(ptr)
declare i32 @sched_yield()
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

; after a fork the child has no workers, whatever its copy of the memory says
define void @reset() {
  call void @llvm.memset.p0.i64(ptr align 128 @workers, i8 0, i64 130560, i1 false)
  ret void
}

define void @enter(ptr %entry, ptr %table, i64 %steps, i64 %rows, i64 %parts) {
start:
  %lines = add i64 %parts, 1
  %words = mul i64 %lines, 16
  %bytes = mul i64 %lines, 128
  %control = alloca i64, i64 %words, align 128
  call void @llvm.memset.p0.i64(ptr align 128 %control, i8 0, i64 %bytes, i1 false)
  store ptr %table, ptr %control
  %steps.at = getelementptr i64, ptr %control, i64 1
  store i64 %steps, ptr %steps.at
  %rows.at = getelementptr i64, ptr %control, i64 2
  store i64 %rows, ptr %rows.at
  %parts.at = getelementptr i64, ptr %control, i64 3
  %entry.at = getelementptr i64, ptr %control, i64 4
  store ptr %entry, ptr %entry.at
  call void @note_core(ptr %control, i64 0)
  br label %look

look:                                             ; at one worker after the other
  %i = phi i64 [ 0, %start ], [ %i.next, %next ]
  %found = phi i64 [ 1, %start ], [ %found.next, %next ]
  %i.next = add i64 %i, 1
  %full = icmp eq i64 %found, %parts
  %none = icmp eq i64 %i, 255
  %stop = or i1 %full, %none
  br i1 %stop, label %run, label %claim

claim:
  %worker = getelementptr %Worker, ptr @workers, i64 %i
  %swap = cmpxchg ptr %worker, i64 0, i64 1 acquire monotonic
  %mine = extractvalue { i64, i1 } %swap, 1
  br i1 %mine, label %employ, label %next

employ:
  %control.at = getelementptr %Worker, ptr %worker, i64 0, i32 3
  store ptr %control, ptr %control.at
  %part.at = getelementptr %Worker, ptr %worker, i64 0, i32 4
  store i64 %found, ptr %part.at
  %good = call i1 @post(ptr %worker)
  %more = zext i1 %good to i64
  %with = add i64 %found, %more
  br i1 %good, label %next, label %refused

refused:                                          ; no thread to be had: go on with those there are
  store atomic i64 0, ptr %worker release, align 8
  br label %run

next:
  %found.next = phi i64 [ %found, %claim ], [ %with, %employ ]
  br label %look

run:
  %made = phi i64 [ %found, %look ], [ %found, %refused ]
  store atomic i64 %made, ptr %parts.at release, align 8
  call void %entry(ptr %table, i64 %steps, i64 %rows, i64 0, i64 %made, ptr %control)
  %done.at = getelementptr i64, ptr %control, i64 5
  %others = sub i64 %made, 1
  call void @await(ptr %done.at, i64 %others)
  ret void
}

; wake a worker, or make it
define internal i1 @post(ptr %worker) {
  %made.at = getelementptr %Worker, ptr %worker, i64 0, i32 1
  %posted.at = getelementptr %Worker, ptr %worker, i64 0, i32 2
  %mutex = getelementptr %Worker, ptr %worker, i64 0, i32 6
  %condition = getelementptr %Worker, ptr %worker, i64 0, i32 7
  %made = load i64, ptr %made.at
  %new = icmp eq i64 %made, 0
  br i1 %new, label %make, label %wake

make:
  %thread = alloca i64
  call i32 @pthread_mutex_init(ptr %mutex, ptr null)
  call i32 @pthread_cond_init(ptr %condition, ptr null)
  store i64 1, ptr %posted.at
  store i64 1, ptr %made.at
  %failed = call i32 @pthread_create(ptr %thread, ptr null, ptr @work, ptr %worker)
  %good = icmp eq i32 %failed, 0
  br i1 %good, label %born, label %unborn

born:
  %id = load i64, ptr %thread
  call i32 @pthread_detach(i64 %id)
  ret i1 true

unborn:
  store i64 0, ptr %made.at
  ret i1 false

wake:
  call i32 @pthread_mutex_lock(ptr %mutex)
  store i64 1, ptr %posted.at
  call i32 @pthread_cond_signal(ptr %condition)
  call i32 @pthread_mutex_unlock(ptr %mutex)
  ret i1 true
}

; a worker's life: sleep, do one part, be free again
define internal ptr @work(ptr %worker) {
start:
  %posted.at = getelementptr %Worker, ptr %worker, i64 0, i32 2
  %control.at = getelementptr %Worker, ptr %worker, i64 0, i32 3
  %part.at = getelementptr %Worker, ptr %worker, i64 0, i32 4
  %mutex = getelementptr %Worker, ptr %worker, i64 0, i32 6
  %condition = getelementptr %Worker, ptr %worker, i64 0, i32 7
  %allowed = alloca [16 x i64], align 16
  call void @allowed_cores(ptr %allowed)
  br label %idle

idle:
  call i32 @pthread_mutex_lock(ptr %mutex)
  br label %asleep

asleep:
  %posted = load i64, ptr %posted.at
  %nothing = icmp eq i64 %posted, 0
  br i1 %nothing, label %sleep, label %awake

sleep:
  call i32 @pthread_cond_wait(ptr %condition, ptr %mutex)
  br label %asleep

awake:
  store i64 0, ptr %posted.at
  call i32 @pthread_mutex_unlock(ptr %mutex)
  %control = load ptr, ptr %control.at
  %part = load i64, ptr %part.at
  call void @part_ways(ptr %control, i64 %part, ptr %allowed)
  %parts.at = getelementptr i64, ptr %control, i64 3
  br label %gate

gate:                                             ; opens when it is known how many take part
  %tries = phi i64 [ 0, %awake ], [ %tries.next, %gate ]
  %parts = load atomic i64, ptr %parts.at acquire, align 8
  %shut = icmp eq i64 %parts, 0
  %tries.next = call i64 @patience(i64 %tries)
  br i1 %shut, label %gate, label %run

run:
  %table = load ptr, ptr %control
  %steps.at = getelementptr i64, ptr %control, i64 1
  %steps = load i64, ptr %steps.at
  %rows.at = getelementptr i64, ptr %control, i64 2
  %rows = load i64, ptr %rows.at
  %entry.at = getelementptr i64, ptr %control, i64 4
  %entry = load ptr, ptr %entry.at
  call void %entry(ptr %table, i64 %steps, i64 %rows, i64 %part, i64 %parts, ptr %control)
  store atomic i64 0, ptr %worker release, align 8
  %done.at = getelementptr i64, ptr %control, i64 5
  %before = atomicrmw add ptr %done.at, i64 1 release
  br label %idle
}

; spin until the word is at least `value`
define internal void @await(ptr %word, i64 %value) {
start:
  br label %look
look:
  %tries = phi i64 [ 0, %start ], [ %tries.next, %wait ]
  %now = load atomic i64, ptr %word acquire, align 8
  %short = icmp slt i64 %now, %value
  br i1 %short, label %wait, label %done
wait:
  %tries.next = call i64 @patience(i64 %tries)
  br label %look
done:
  ret void
}

; one moment of waiting: a pause, or, after many, the core is offered to others
define internal i64 @patience(i64 %tries) {
  call void @pause()
  %next = add i64 %tries, 1
  %long = icmp sgt i64 %tries, 4096
  br i1 %long, label %offer, label %on
offer:
  call i32 @sched_yield()
  ret i64 %next
on:
  ret i64 %next
}

; an entry that only meets the other members, `steps` times
define void @meet(ptr %table, i64 %steps, i64 %rows, i64 %part, i64 %parts, ptr %control) {
start:
  %own.line = add i64 %part, 1
  %own.word = mul i64 %own.line, 16
  %own = getelementptr i64, ptr %control, i64 %own.word
  br label %meet

meet:
  %times = phi i64 [ 0, %start ], [ %times.next, %member.done ]
  %over = icmp sge i64 %times, %steps
  %times.next = add i64 %times, 1
  br i1 %over, label %end, label %arrive

arrive:
  store atomic i64 %times.next, ptr %own release, align 8
  br label %member

member:
  %j = phi i64 [ 0, %arrive ], [ %j.next, %wait ]
  %all = icmp sge i64 %j, %parts
  br i1 %all, label %member.done, label %wait

wait:
  %j.next = add i64 %j, 1
  %word = mul i64 %j.next, 16
  %count = getelementptr i64, ptr %control, i64 %word
  call void @await(ptr %count, i64 %times.next)
  br label %member

member.done:
  br label %meet

end:
  ret void
}
