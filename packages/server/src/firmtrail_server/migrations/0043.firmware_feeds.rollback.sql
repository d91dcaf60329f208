drop table if exists firmware_feeds;
