-- Of the baselines of pelvic drop from before it is not known whether they were held against standing or against whole
-- strides, where a drop of one side shows about half as large; those of the knee show a straight knee further out than it is
-- shown now. Both are measured anew.

DELETE FROM baselines WHERE metric IN ('pelvic_drop_deg', 'fppa_deg');
