; Which core each member of a team runs on (Linux): no two of them on one while others are free.
;
;   void note_core(ptr control, i64 part)          says where a member is: word 1 of its line
;   void part_ways(ptr control, i64 part, ptr allowed)
;   void allowed_cores(ptr allowed)                the calling thread's, as 1024 bits
;
; A system that wakes a thread likes to put it beside the one that wakes it. Two members that spin
; for each other on one core take many times as long as one alone, and they may stay there for
; seconds. So a worker that finds itself on the core of a member before it asks for another one.

declare i32 @sched_getcpu()
declare i32 @sched_getaffinity(i32, i64, ptr)
declare i32 @sched_setaffinity(i32, i64, ptr)

define internal void @allowed_cores(ptr %allowed) {
  call void @llvm.memset.p0.i64(ptr %allowed, i8 0, i64 128, i1 false)
  call i32 @sched_getaffinity(i32 0, i64 128, ptr %allowed)
  ret void
}

define internal ptr @core_of(ptr %control, i64 %part) {
  %line = add i64 %part, 1
  %first = mul i64 %line, 16
  %place = add i64 %first, 1
  %core = getelementptr i64, ptr %control, i64 %place
  ret ptr %core
}

; 1 + the number of the core; 0 is for a member that has not said it yet
define internal void @note_core(ptr %control, i64 %part) {
  %core = call i32 @sched_getcpu()
  %after = add i32 %core, 1
  %number = sext i32 %after to i64
  %place = call ptr @core_of(ptr %control, i64 %part)
  store atomic i64 %number, ptr %place monotonic, align 8
  ret void
}

define internal void @part_ways(ptr %control, i64 %part, ptr %allowed) {
start:
  %left = alloca [16 x i64], align 16
  call void @llvm.memcpy.p0.p0.i64(ptr %left, ptr %allowed, i64 128, i1 false)
  call void @note_core(ptr %control, i64 %part)
  %own.at = call ptr @core_of(ptr %control, i64 %part)
  %own = load atomic i64, ptr %own.at monotonic, align 8
  br label %look

look:                                             ; at the members before this one
  %j = phi i64 [ 0, %start ], [ %j.next, %on ]
  %met = phi i1 [ false, %start ], [ %met.next, %on ]
  %all = icmp sge i64 %j, %part
  br i1 %all, label %decide, label %other

other:
  %j.next = add i64 %j, 1
  %core.at = call ptr @core_of(ptr %control, i64 %j)
  %core = load atomic i64, ptr %core.at monotonic, align 8
  %bit = sub i64 %core, 1
  %known = icmp ult i64 %bit, 1024
  br i1 %known, label %taken, label %on

taken:
  %same = icmp eq i64 %core, %own
  %met.now = or i1 %met, %same
  %word = lshr i64 %bit, 6
  %place = and i64 %bit, 63
  %flag = shl i64 1, %place
  %others = xor i64 %flag, -1
  %bits.at = getelementptr i64, ptr %left, i64 %word
  %bits = load i64, ptr %bits.at
  %bits.left = and i64 %bits, %others
  store i64 %bits.left, ptr %bits.at
  br label %on

on:
  %met.next = phi i1 [ %met, %other ], [ %met.now, %taken ]
  br label %look

decide:
  br i1 %met, label %move, label %stay

move:                                             ; refused where no core is left
  call i32 @sched_setaffinity(i32 0, i64 128, ptr %left)
  call void @note_core(ptr %control, i64 %part)
  ret void

stay:
  ret void
}

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
