drop table if exists webhooks;
