// Package work is what every layer does around its own part: take an id, ask its
// owner, do the work, report.
//
//	message  ->  StartWork  --gone, cancelled, dead-->  ack
//	                |
//	              started (epoch, document)
//	                |
//	               do  --error-->  FailWork(epoch)  -->  ack
//	                |                                     |  owner not reached: nak
//	          reported by do itself  ------------------> ack
//
// A report that is refused as stale means that another worker has the work: ack.
package work
