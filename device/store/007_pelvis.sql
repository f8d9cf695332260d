-- Of the baselines of pelvic drop from before it is not known whether they were held against standing or against whole
-- strides, where a drop of one side shows about half as large. They are measured anew.

DELETE FROM baselines WHERE metric = 'pelvic_drop_deg';
