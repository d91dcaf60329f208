alter table enrollment_keys drop column if exists min_silence_seconds;
