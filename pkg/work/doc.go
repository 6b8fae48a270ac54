// Package work is what every layer does around its own part: take an id, ask its
// owner, do the work, report.
//
//	message  ->  StartWork  --gone, cancelled, dead-->  ack
//	                |
//	              started (epoch, document)
//	                |
//	               do  --error, panic-->  FailWork(epoch)  -->  ack
//	                |                          |      `- owner not reached: nak
//	                |                          `- epoch is stale: the message is left alone
//	          reported by do itself  ----------------> ack
//
// A report that is refused as stale means that another worker has the work, and its
// message: an ack of ours would take it away.
package work
