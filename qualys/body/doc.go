// Package body reads what Qualys' answers hold, whatever they hold.
//
// [ReadAnswer] reads a ServiceResponse, which is how /qps answers, as a stream:
//
//	<ServiceResponse xsi:noNamespaceSchemaLocation="…">
//	    <responseCode>SUCCESS</responseCode>
//	    <count>1</count>
//	    <hasMoreRecords>false</hasMoreRecords>
//	    <data><User>…</User></data>
//	</ServiceResponse>
//
// The order of the elements, their case and the schema location do not matter,
// data may be absent or empty, texts may be CDATA, and nothing is ever fetched.
// [Sentence] says in one line what any other body says: the gateway's errors
// as JSON, a web page, text. [Clean] makes foreign text fit for an error: one
// line, capped, without addresses, control characters or what looks like a
// secret. It is still foreign: escape it before it reaches a channel.
package body
