// Package wav reads WAV, BWF (EBU Tech 3285), RF64 (EBU Tech 3306) and BW64 (ITU-R
// BS.2088) as a format of ingest, and writes WAV and RF64.
//
// A file is one track of raw audio. Its grains are cut by counting samples, so a
// plan is arithmetic: no index is read, and any chunk can be read alone.
package wav
